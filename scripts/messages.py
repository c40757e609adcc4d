"""Collect the texts to translate into locale/ and compile the translations; needs GNU gettext.

What it writes depends on the texts alone: no dates, no line numbers, so a run without news changes nothing.
"""

import os
import re
import sys
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parent.parent
# Folders without a text of ours; hidden ones are left out anyway.
IGNORED = ("benchmarks", "data", "docs", "sandbox", "scripts", "staticfiles", "tests")
DATES = re.compile(r'^"(POT-Creation-Date|PO-Revision-Date):.*\n', re.MULTILINE)


def main() -> int:
    if which("xgettext") is None:
        print("This needs GNU gettext. Install it, for example with: apt-get install gettext", file=sys.stderr)
        return 1
    os.chdir(ROOT)  # where Django looks for texts
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command(
        "makemessages", all=True, ignore_patterns=list(IGNORED), no_obsolete=True, no_wrap=True, add_location="file"
    )
    for catalogue in ROOT.glob("locale/*/LC_MESSAGES/django.po"):
        catalogue.write_text(DATES.sub("", catalogue.read_text(encoding="utf-8")), encoding="utf-8")
    call_command("compilemessages", ignore_patterns=[".venv"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
