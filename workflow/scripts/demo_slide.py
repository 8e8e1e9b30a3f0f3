"""Paint one slide of the demo cohort and its truth mask."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.synthetic.painter import demo_recipes, write_demo_slide

log_to(snakemake.log[0])
recipe = next(r for r in demo_recipes() if r.slide_id == snakemake.wildcards.slide)
write_demo_slide(recipe, Path(snakemake.output.slide), Path(snakemake.output.truth))
