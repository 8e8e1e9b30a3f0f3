"""Groups of patients that folds must not part because they come from one site.

Slides of one site look alike, and labels are not spread evenly over sites; so a model that was
trained on a site knows its test slides better than those of the next hospital (Howard et al. 2021,
https://doi.org/10.1038/s41467-021-24698-1).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd


def site_groups(slides: pd.DataFrame) -> dict[str, str]:
    """Return the group of each patient: its site, or all sites that patients tie together.

    Args:
        slides: patient_id, site.

    Returns:
        patient_id to the first site, in alphabetical order, of its group.
    """
    first: dict[str, str] = {site: site for site in slides["site"]}

    def root(site: str) -> str:
        while first[site] != site:
            site = first[site]
        return site

    for _, sites in slides.groupby("patient_id")["site"]:
        roots = sorted({root(site) for site in sites})
        first.update(dict.fromkeys(roots, roots[0]))
    return {
        str(patient): root(site)
        for patient, site in zip(slides["patient_id"], slides["site"], strict=True)
    }


def deal_groups(
    slides: pd.DataFrame, group_of: Mapping[str, str], order: Sequence[str], k: int
) -> dict[str, int]:
    """Return the fold in which each patient is tested, whole groups at a time.

    Groups with most slides come first, in the given order among equals. Each goes to the fold
    where it makes the classes' counts least uneven (the sum over classes of the squared shares of
    the class's slides per fold), then to that with fewest slides.

    Args:
        slides: patient_id, label.
        group_of: See `site_groups`.
        order: All groups.
        k: Number of folds.
    """
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for patient, label in zip(slides["patient_id"], slides["label"], strict=True):
        labels[group_of[patient]][label] += 1
    totals = Counter(slides["label"])
    counts: list[Counter[str]] = [Counter() for _ in range(k)]
    fold_of_group = {}
    for group in sorted(order, key=lambda name: -labels[name].total()):
        own = labels[group]

        def cost(fold: int, own: Counter[str] = own) -> tuple[float, int, int]:
            uneven = sum(
                ((counts[fold][c] + n) ** 2 - counts[fold][c] ** 2) / totals[c] ** 2
                for c, n in sorted(own.items())
            )
            return uneven, counts[fold].total(), fold

        chosen = min(range(k), key=cost)
        counts[chosen] += own
        fold_of_group[group] = chosen
    return {patient: fold_of_group[group] for patient, group in group_of.items()}


def too_few_sites(slides: pd.DataFrame, k: int) -> list[str]:
    """Return why a cohort cannot be split by site: sites that are missing, or too few.

    Args:
        slides: slide_id, patient_id, site.
        k: Number of folds.
    """
    without = slides.loc[slides["site"] == "", "slide_id"].tolist()
    if without:
        shown = ", ".join(without[:5]) + (", …" if len(without) > 5 else "")
        return [
            f"folds.group_also: {len(without)} slide(s) have no site ({shown}); fill in the column "
            "`site` of the sheet"
        ]
    n_groups = len(set(site_groups(slides).values()))
    if n_groups < k:
        return [f"folds.group_also: {n_groups} site(s) for {k} folds; lower folds.k"]
    return []
