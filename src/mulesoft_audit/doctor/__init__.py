"""Is every link in order? Small checks, each with its mend; none of them writes under `audit/`."""
