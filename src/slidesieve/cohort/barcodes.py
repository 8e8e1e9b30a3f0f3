"""TCGA barcodes (https://docs.gdc.cancer.gov/Encyclopedia/pages/TCGA_Barcode/)."""

from __future__ import annotations

import re

_BARCODE = re.compile(r"(TCGA-[A-Z0-9]{2})-[A-Z0-9]{4}(?![A-Z0-9])", re.IGNORECASE)


def tcga_patient_of(name: str) -> str:
    """Return the patient that a name's barcode tells, as TCGA-55-A48Z; "" without a barcode."""
    found = _BARCODE.match(name)
    return found[0].upper() if found else ""


def tcga_site(name: str) -> str:
    """Return the tissue source site that a name's barcode tells, as TCGA-55; "" without one."""
    found = _BARCODE.match(name)
    return found[1].upper() if found else ""
