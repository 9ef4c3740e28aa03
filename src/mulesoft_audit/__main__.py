"""python -m mulesoft_audit."""

from mulesoft_audit.cli import program

program()
