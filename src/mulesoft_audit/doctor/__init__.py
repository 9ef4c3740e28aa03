"""Is every link in order? Small checks, each with a hint of what to do; none of them writes under `audit/`."""
