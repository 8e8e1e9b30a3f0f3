"""What counts as a command line of a page."""

from __future__ import annotations

from helpers.doc_commands import blocks, commands, links, options_of, words_of

PAGE = """\
Text.

```bash
$ slidesieve run a.yaml --cores 4 \\
    --until features  # a comment
# only a comment
A=1 slidesieve doctor > out.txt
```

    make demo

- a list

  with text and

    ```bash
    make test
    ```

```yaml
key: value
```

[a page](other.md#part) ![a picture](a.jpg) `[not](a-link.md)`
"""


def blocks_of(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(PAGE)
    return list(blocks(path, tmp_path))


def test_blocks_are_found_with_their_language_and_line(tmp_path):
    found = [(block.language, block.line) for block in blocks_of(tmp_path)]
    assert found == [("bash", 4), ("", 10), ("bash", 17), ("yaml", 21)]


def test_commands_are_whole_lines_without_prompt_and_comment(tmp_path):
    found = [command for block in blocks_of(tmp_path)[:3] for command in commands(block)]
    assert found == [
        "slidesieve run a.yaml --cores 4 --until features",
        "A=1 slidesieve doctor > out.txt",
        "make demo",
        "make test",
    ]


def test_words_and_options_are_those_of_the_program():
    assert words_of("A=1 slidesieve doctor > out.txt") == ["slidesieve", "doctor"]
    assert options_of("snakemake -n --cores 4 --until=x") == ["--cores", "--until"]


def test_links_are_those_that_are_no_code(tmp_path):
    blocks_of(tmp_path)
    assert list(links(tmp_path / "page.md")) == ["other.md#part", "a.jpg"]
