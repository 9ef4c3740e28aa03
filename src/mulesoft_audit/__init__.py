"""Get every audit log entry of a MuleSoft Anypoint organization into an archive, exactly once, and prove it."""

__version__ = "0.2.0.dev0"
