"""The viewer on a finished study: what it serves and refuses, and how it looks to a browser."""

from __future__ import annotations

import http.client
import io
import json
import threading
from contextlib import contextmanager
from urllib.parse import urlsplit

import cv2
import numpy as np
import openslide
import pytest
from PIL import Image

from helpers.browser import Page, find_chromium
from slidesieve.cli.main import main
from slidesieve.errors import ContractError
from slidesieve.store.tables import read_csv
from slidesieve.store.tiles import read_tiles
from slidesieve.viewer import library
from slidesieve.viewer.routes import Routes
from slidesieve.viewer.server import ViewerServer
from slidesieve.viewer.study import open_study


@contextmanager
def served(study):
    routes = Routes(study)
    with ViewerServer(routes) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
    routes.close()


@pytest.fixture(scope="module")
def viewer(finished_toy, tmp_path_factory):
    """The toy study, with a truth mask of the spots of s1."""
    truth = tmp_path_factory.mktemp("truth")
    mask = np.zeros((128, 128), np.uint8)
    mask[30:62, 30:62] = 255
    cv2.imwrite(str(truth / "s1.png"), mask)
    with served(open_study(finished_toy.result("toy"), truth)) as server:
        yield server


def ask(server, path, token=None, host=None):
    """Status and body of an address behind the token."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    headers = {"Host": host} if host else {}
    connection.request(
        "GET", f"/{server.token if token is None else token}/{path}", headers=headers
    )
    answer = connection.getresponse()
    status, body = answer.status, answer.read()
    connection.close()
    return status, body


def ask_json(server, path):
    status, body = ask(server, path)
    assert status == 200, body
    return json.loads(body)


@pytest.mark.parametrize("token", ["", "wrong", "x" * 32, "%C3%A9", ".."])
def test_without_the_token_nothing_is_answered(viewer, token):
    for path in ("", "study.json", "slides/s1/info.json"):
        assert ask(viewer, path, token)[0] == 403


@pytest.mark.parametrize(
    "host", ["example.org", "example.org:80", "127.0.0.1.example.org", "[::1]"]
)
def test_another_host_name_is_refused(viewer, host):
    assert ask(viewer, "", host=host)[0] == 403


def test_a_forwarded_port_is_answered(viewer):
    assert ask(viewer, "", host="localhost:9999")[0] == 200


def test_it_listens_on_loopback_alone(viewer):
    assert viewer.server_address[0] == "127.0.0.1"
    assert urlsplit(viewer.address).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    "path",
    [
        "page/../server.py",
        "page/..%2Fserver.py",
        "../../../../etc/passwd",
        "slides/..%2F..%2Fconfig.yaml/info.json",
        "slides/s1/tiles/..%2F..%2F..%2Fslides.csv",
        "slides/s1/tiles/9/..jpg",
        "slides/s1/tokens/colour_texture/..%2F..%2Fabmil.json",
        "slides/s1/tokens/colour_texture/no_model.json",
        "slides/s99/info.json",
        "slides/s0/truth.png",
        "slides/s1",
        "cohort.csv",
    ],
)
def test_nothing_but_the_study_is_served(viewer, path):
    status, body = ask(viewer, path)
    assert status == 404
    assert len(body) < 100


def test_only_reading_is_possible(viewer):
    connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=30)
    connection.request("POST", f"/{viewer.token}/study.json", body=b"")
    assert connection.getresponse().status == 501
    connection.close()


def test_a_page_of_another_site_cannot_frame_or_read_it(viewer):
    connection = http.client.HTTPConnection("127.0.0.1", viewer.server_port, timeout=30)
    connection.request("GET", f"/{viewer.token}/")
    headers = connection.getresponse().headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Referrer-Policy"] == "no-referrer"
    connection.close()


def test_every_slide_and_model_of_the_study_is_listed(viewer, finished_toy):
    found = ask_json(viewer, "study.json")
    assert [slide["slide_id"] for slide in found["slides"]] == [f"s{n}" for n in range(6)]
    assert {model["model"] for model in found["models"]} == {"abmil", "mean"}
    for model in found["models"]:
        table = read_csv(
            finished_toy.result(f"toy/predictions/colour_texture/{model['model']}.csv")
        ).set_index("slide_id")
        assert len(model["verdicts"]) == len(table)
        for verdict in model["verdicts"]:
            row = table.loc[verdict["slide_id"]]
            assert verdict["prediction"] == row["prediction"]
            assert verdict["is_error"] == (row["prediction"] != row["label"])


def test_a_served_tile_is_the_slide(viewer, finished_toy):
    info = ask_json(viewer, "slides/s1/info.json")
    status, body = ask(viewer, f"slides/s1/tiles/{info['max_level']}/1_2.jpg")
    tile = np.asarray(Image.open(io.BytesIO(body))).astype(int)
    with openslide.OpenSlide(finished_toy.folder / "slides" / "s1.svs") as slide:
        pixels = np.asarray(slide.read_region((253, 507), 0, (256, 256)).convert("RGB"))
    assert (status, info["width"], info["height"]) == (200, 1280, 1280)
    assert np.abs(tile - pixels).mean() < 4  # JPEG


def test_overlays_are_the_tiles_of_the_file(viewer, finished_toy):
    tiles = read_tiles(finished_toy.result("toy/tiles/s1.h5"))
    found = ask_json(viewer, "slides/s1/tiles.json")
    traced = ask_json(viewer, "slides/s1/tokens/colour_texture/abmil.json")
    assert found == {"corners": tiles.coords.tolist(), "side": tiles.spec.size_level0}
    assert traced["corners"] == found["corners"]
    assert sum(traced["attention"]) == pytest.approx(len(tiles.coords), rel=1e-3)
    assert traced["fold"] == next(
        n for n in (0, 1) if _part(finished_toy, "s1", f"fold_{n}") == "test"
    )


def _part(study, slide, fold):
    folds = read_csv(study.result("toy/folds.csv")).set_index("slide_id")
    return folds.loc[slide, fold]


def test_a_slide_that_cannot_be_opened_says_why(toy):
    (toy.folder / "slides" / "s2.svs").write_bytes(b"no slide")
    with served(open_study(toy.result("toy"))) as server:
        status, body = ask(server, "slides/s2/info.json")
    assert status == 422
    assert b"s2.svs" in body


def test_models_from_elsewhere_show_slides_with_a_tokens_file_alone(toy):
    toy.result("toy/folds.csv").unlink()
    with served(open_study(toy.result("toy"))) as server:
        status, body = ask(server, "slides/s1/tokens/colour_texture/abmil.json")
    assert status == 422
    assert b"results/toy/tokens/colour_texture/abmil/s1.h5" in body


def test_a_folder_that_is_no_dataset_is_named(tmp_path):
    with pytest.raises(ContractError, match=r"cohort\.csv"):
        open_study(tmp_path)


def test_the_command_wants_a_dataset(capsys):
    assert main(["view"]) == 2
    assert "results/my_study" in capsys.readouterr().err


@pytest.fixture
def page(tmp_path):
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if not library.is_installed():
        pytest.skip("OpenSeadragon is not installed: slidesieve view --install")
    with Page(program, tmp_path / "profile") as opened:
        yield opened


PAINTED = """(() => {
  const { canvas } = slidesieve.panes[%d];
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let painted = 0;
  for (let i = 3; i < data.length; i += 4) painted += data[i] > 0;
  return painted / (data.length / 4);
})()"""
VIEWS = "slidesieve.panes.map(({ viewer: { viewport } }) => [viewport.getZoom(true), \
viewport.getCenter(true).x, viewport.getCenter(true).y])"


def test_a_browser_shows_the_slide_its_overlays_and_two_models_in_step(viewer, page):
    page.open(f"{viewer.address}#s1")
    page.wait_for("window.slidesieve?.panes[0]?.root.dataset.drawn === 's1'")
    page.wait_for("slidesieve.panes[0].layers.tokens && slidesieve.panes[0].layers.tissue")
    assert page.run("document.querySelectorAll('#slides button').length") == 6
    assert page.run("document.querySelector('.chip').textContent").startswith("tumour")
    pixels = "slidesieve.panes[0].viewer.drawer.canvas.getContext('2d')"
    middle = page.run(f"[...{pixels}.getImageData(525, 400, 1, 1).data].slice(0, 3)")
    assert middle[0] > middle[1] + 30  # pink tissue, no blank

    with_attention = page.run(PAINTED % 0)
    page.run("document.querySelector('[name=attention]').click()")
    page.wait_for(f"{PAINTED % 0} < {with_attention / 4}")
    page.run("document.querySelector('[name=truth]').click()")
    page.wait_for("slidesieve.panes[0].layers.truth")
    page.run("document.querySelector('[name=attention]').click()")
    page.wait_for(f"{PAINTED % 0} > {with_attention / 2}")

    page.run("document.querySelector('[name=two]').click()")
    page.wait_for("slidesieve.panes[1]?.root.dataset.drawn === 's1'")
    page.wait_for("slidesieve.panes[1].layers.tokens")
    assert len(set(page.run("slidesieve.panes.map((pane) => pane.model.model)"))) == 2
    page.wait_for("slidesieve.panes[0].canvas.clientWidth < 700")
    page.run("document.querySelector('[name=in]').click()")
    second = page.run(
        "(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
        "(document.querySelectorAll('.stage')[1].getBoundingClientRect())"
    )
    before = page.run(VIEWS)
    page.drag(tuple(second), (second[0] - 90, second[1] - 40))
    page.wait_for(f"({VIEWS})[1][1] > {before[1][1]} + 0.02")
    page.wait_for(f"(([a, b]) => a.every((v, i) => Math.abs(v - b[i]) < 1e-6))({VIEWS})")
    assert page.console == []


def test_a_cell_of_the_confusion_leads_to_its_slides(viewer, page):
    page.open(viewer.address)
    page.wait_for("document.querySelectorAll('#confusion td button').length === 4")
    cell = "[...document.querySelectorAll('#confusion td button')].find((b) => !b.disabled)"
    held = int(page.run(f"{cell}.textContent"))
    page.run(f"{cell}.click()")
    assert page.run("document.querySelectorAll('#slides button').length") == held
    page.run("document.querySelector('#search button').click()")
    assert page.run("document.querySelectorAll('#slides button').length") == 6
