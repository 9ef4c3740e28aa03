"""The deployment: what is to be there, what is there, and the way from one to the other."""
