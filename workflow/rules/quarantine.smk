# Slides that were left out are said at the end of every run, whether it succeeded or not.


def say_what_was_left_out():
    for name, dataset in study.datasets.items():
        for line in left_out(name, dataset.classes, Path(layout.RESULTS)):
            logger.warning(line)


onsuccess:
    say_what_was_left_out()


onerror:
    say_what_was_left_out()
