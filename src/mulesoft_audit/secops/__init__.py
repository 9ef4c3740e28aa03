"""What Google SecOps needs beside the feed: a parser for log type MULESOFT, and asking a tenant about it."""
