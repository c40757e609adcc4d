"""System checks: what is wrong in the settings, each with an id and a sentence that says what to write where."""
