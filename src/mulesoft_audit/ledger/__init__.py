"""What the archive holds of an organization's day, and how it compares with the source."""
