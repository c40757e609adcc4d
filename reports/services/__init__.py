"""The verbs of reports: the only code that writes their rows."""
