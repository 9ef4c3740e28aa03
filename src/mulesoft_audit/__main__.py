"""python -m mulesoft_audit."""

from mulesoft_audit.program import program

program()
