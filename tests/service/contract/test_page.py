# SPDX-License-Identifier: Apache-2.0
"""The pages as people use them: in a browser, with mouse, keyboard and on a phone. Screenshots go to build/contract."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import CAT, DOG, OUTPUT, Server

webdriver = pytest.importorskip(
    "selenium.webdriver", reason="selenium is missing: scripts/contract_tests.sh installs it"
)
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
    pytest.skip("chromium is missing (on Debian: apt-get install chromium chromium-driver)", allow_module_level=True)

PHONE = {"width": 360, "height": 640, "deviceScaleFactor": 2, "mobile": True}


class Page:
    """One tab."""

    def __init__(self, driver: Any, server: Server) -> None:
        self.driver = driver
        self.server = server

    def open(self, path: str = "/") -> None:
        self.driver.get(self.server.url + path)

    def find(self, id_: str) -> Any:
        return self.driver.find_element(By.ID, id_)

    def wait(self, condition: Any) -> Any:
        return WebDriverWait(self.driver, 60, 0.02).until(lambda _: condition())

    def answer(self) -> str:
        """The verdict, once it shows."""
        self.wait(lambda: self.find("result").is_displayed() or self.find("error").is_displayed())
        assert not self.find("error").is_displayed(), self.find("error").text
        return str(self.find("verdict").text)

    def emulate(self, scheme: str = "light", phone: bool = False) -> None:
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        )
        self.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
        if phone:
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        else:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def shoot(self, name: str) -> None:
        """The whole page, however long."""
        self.wait(lambda: self.driver.execute_script("return [...document.images].every((i) => i.complete)"))
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        OUTPUT.mkdir(parents=True, exist_ok=True)
        (OUTPUT / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def scrolls_sideways(self) -> bool:
        return bool(
            self.driver.execute_script(
                "return document.scrollingElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def drop(self, *files: Path, event: str = "drop") -> None:
        """A real drag from outside the browser, as DevTools' protocol can make it."""
        box = self.find("drop").rect
        data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
        for type_ in ("dragEnter", "dragOver", event):
            self.driver.execute_cdp_cmd(
                "Input.dispatchDragEvent",
                {"type": type_, "x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2, "data": data},
            )


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "window-size=1100,900"):
        options.add_argument("--" + flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=shutil.which("chromedriver"))
    started = webdriver.Chrome(options=options, service=service)
    started.set_page_load_timeout(60)
    yield started
    started.quit()


@pytest.fixture()
def page(driver: Any, server: Server) -> Iterator[Page]:
    tab = Page(driver, server)
    tab.emulate()
    driver.get_log("browser")
    tab.open()
    yield tab
    # What the policy forbids or a script gets wrong is said there; refused images are too, and right.
    complaints = [entry["message"] for entry in driver.get_log("browser") if "/predict" not in entry["message"]]
    assert complaints == []


def share_of(page: Page, label: str) -> float:
    """The length of the label's bar."""
    rows = zip(page.driver.find_elements(By.TAG_NAME, "dt"), page.driver.find_elements(By.TAG_NAME, "progress"))
    return {name.text: float(bar.get_attribute("value")) for name, bar in rows}[label]


def test_why_darkens_what_does_not_show_the_label(page: Page) -> None:
    page.find("file").send_keys(str(DOG))
    page.answer()
    assert not page.find("map").is_displayed()
    page.find("why").send_keys(Keys.ENTER)
    page.wait(lambda: page.find("map").is_displayed())
    assert page.find("why").get_attribute("aria-pressed") == "true"
    assert page.find("explanation").text == "Dark parts don't look like a dog to it."
    photo, over = page.find("preview").rect, page.find("map").rect
    assert [round(photo[side]) for side in photo] == [round(over[side]) for side in photo]
    # The dog sits in the lower left; what is there stays bright, and the upper right gets dark.
    darkness = """const map = document.getElementById("map"), {width, height} = map;
        const pixels = map.getContext("2d").getImageData(0, 0, width, height).data;
        const at = (x, y) => pixels[4 * (Math.floor(y * height) * width + Math.floor(x * width)) + 3];
        return [at(0.3, 0.7), at(0.9, 0.1)];"""
    dog, sky = page.driver.execute_script(darkness)
    assert dog < 50 and sky > 150
    page.shoot("page_why")
    page.emulate(phone=True)
    assert not page.scrolls_sideways()
    page.shoot("page_why_phone")
    page.emulate()
    page.find("why").send_keys(Keys.ENTER)
    page.wait(lambda: not page.find("map").is_displayed())
    page.find("why").send_keys(Keys.ENTER)
    page.wait(lambda: page.find("map").is_displayed())
    page.find("file").send_keys(str(CAT))  # Another photo has no map yet.
    page.wait(lambda: "cat" in page.find("verdict").text)
    assert not page.find("map").is_displayed() and page.find("explanation").text == ""


@pytest.mark.parametrize(("photo", "label", "other"), [(DOG, "dog", "cat"), (CAT, "cat", "dog")])
def test_upload_shows_label_probabilities_and_time(page: Page, photo: Path, label: str, other: str) -> None:
    status, expected = page.server.predict(photo.read_bytes())
    assert status == 200
    page.shoot(f"page_empty_{label}")
    page.find("file").send_keys(str(photo))
    percent = f"{min(expected['trust'], 0.999) * 100:.1f} %"  # type: ignore[operator]
    assert page.answer() == f"It's a {label}, {percent}"
    meaning = rf"Of 100 photos with a number like this, (more than|about) 9\d show a {label}."
    assert re.fullmatch(meaning, page.find("meaning").text)
    assert share_of(page, label) == pytest.approx(expected["trust"], abs=1e-6)
    shares = [share_of(page, name) for name in (label, other, "neither")]
    assert sum(shares) == pytest.approx(1, abs=1e-6)
    assert percent in page.find("probabilities").text
    assert page.find("time").text.startswith("Answered in ")
    assert page.driver.switch_to.active_element.get_attribute("id") == "verdict"  # Where a screen reader goes on.
    assert page.driver.execute_script("return document.getElementById('preview').naturalWidth") > 0
    page.driver.find_element(By.TAG_NAME, "summary").click()
    details = page.find("details").text
    for stage in ("queue", "decode", "preprocess", "infer"):
        assert f"{stage} " in details
    page.shoot(f"page_{label}_light")
    page.emulate("dark")
    page.shoot(f"page_{label}_dark")


def test_drop(page: Page) -> None:
    page.drop(CAT, event="dragOver")
    page.wait(lambda: "over" in page.find("drop").get_attribute("class"))
    page.shoot("page_drag_over")
    page.drop(CAT)
    assert page.answer().startswith("It's a cat")
    assert "over" not in page.find("drop").get_attribute("class")
    page.drop(DOG)
    page.wait(lambda: page.find("verdict").text.startswith("It's a dog"))


def test_error_says_what_is_wrong_and_the_next_photo_works(page: Page, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a photo")
    page.drop(text)
    page.wait(lambda: page.find("error").is_displayed())
    assert "JPEG, PNG, WebP and GIF are read" in page.find("error").text
    assert not page.find("result").is_displayed()
    page.shoot("page_error_light")
    page.emulate("dark")
    page.shoot("page_error_dark")
    page.find("file").send_keys(str(DOG))
    assert page.answer().startswith("It's a dog")
    assert not page.find("error").is_displayed()


def test_feedback_is_taken_once(page: Page) -> None:
    page.find("file").send_keys(str(DOG))
    page.answer()
    before = taken(page.server)
    buttons = {button.text: button for button in page.find("answers").find_elements(By.TAG_NAME, "button")}
    assert sorted(buttons) == ["cat", "dog"]
    buttons["dog"].click()
    page.wait(lambda: page.find("thanks").text.startswith("Thank you"))
    assert not buttons["dog"].is_enabled() and not buttons["cat"].is_enabled()
    assert taken(page.server) == before + 1
    page.shoot("page_feedback")


def taken(server: Server) -> float:
    lines = server.ask("/metrics")[1].decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith("feedback_total"))


def test_keyboard_alone(page: Page) -> None:
    def press(key: str) -> str:
        webdriver.ActionChains(page.driver).send_keys(key).perform()
        return str(page.driver.switch_to.active_element.get_attribute("id"))

    assert press(Keys.TAB) == "file"
    outline = "return getComputedStyle(document.querySelector('label[for=file]')).outlineStyle"
    assert page.driver.execute_script(outline) == "solid"
    page.shoot("page_keyboard_focus")
    # The browser's own dialogue can't open here; that the key asks for it can be seen.
    page.driver.execute_script(
        "addEventListener('click', (e) => { window.asked = e.target.id; e.preventDefault(); }, {once: true})"
    )
    press(Keys.SPACE)
    assert page.driver.execute_script("return window.asked") == "file"
    page.find("file").send_keys(str(CAT))
    page.answer()
    assert page.driver.switch_to.active_element.get_attribute("id") == "verdict"
    press(Keys.TAB)
    assert page.driver.switch_to.active_element.text == "cat"
    press(Keys.ENTER)
    page.wait(lambda: page.find("thanks").text.startswith("Thank you"))
    press(Keys.TAB)
    assert page.driver.switch_to.active_element.tag_name == "summary"
    press(Keys.ENTER)
    assert page.find("details").is_displayed()
    press(Keys.TAB)
    assert page.driver.switch_to.active_element.text == "API"


def test_phone(page: Page) -> None:
    page.emulate(phone=True)
    page.open()
    assert page.driver.execute_script("return innerWidth") == 360
    assert page.driver.find_element(By.CSS_SELECTOR, "label[for=camera]").is_displayed()
    assert page.find("camera").get_attribute("capture") == "environment"
    assert "Drop" not in page.find("drop").text
    assert not page.scrolls_sideways()
    page.shoot("phone_empty")
    page.find("camera").send_keys(str(DOG))
    assert page.answer().startswith("It's a dog")
    page.driver.find_element(By.TAG_NAME, "summary").click()
    assert not page.scrolls_sideways()
    for button in page.driver.find_elements(By.CSS_SELECTOR, "button, .button"):
        assert button.rect["height"] >= 44, button.text  # A finger's width.
    page.shoot("phone_dog_light")
    page.emulate("dark", phone=True)
    page.shoot("phone_dog_dark")


def test_no_camera_without_a_touch_screen(page: Page) -> None:
    assert not page.driver.find_element(By.CSS_SELECTOR, "label[for=camera]").is_displayed()


def test_no_number_is_certainty(page: Page) -> None:
    page.driver.execute_script("show_verdict({trust: 0.997, answer: 'cat', predicted_label: 'cat', abstained: false})")
    assert page.driver.execute_script("return document.getElementById('meaning').textContent") == (
        "Of 100 photos with a number like this, more than 99 show a cat."
    )


def test_neither_is_said_in_words(page: Page) -> None:
    answer = {
        "answer": "neither", "reason": "neither", "neither": 0.9, "trust": 0.06, "abstained": True,
        "predicted_label": "dog", "probabilities": {"cat": 0.4, "dog": 0.6},
    }  # fmt: skip
    page.driver.execute_script("show_verdict(arguments[0]); show_probabilities(arguments[0])", answer)
    text = "return document.getElementById(arguments[0]).textContent"
    assert page.driver.execute_script(text, "verdict") == "This doesn't look like a cat or a dog"
    assert page.driver.execute_script(text, "meaning") == "The model gives 90.0 % to neither."
    assert page.driver.execute_script(text, "probabilities") == "cat4.0 %dog6.0 %neither90.0 %"


def test_abstention_is_no_verdict(driver: Any) -> None:
    with Server("--abstain-below", "0.9999") as doubtful:
        page = Page(driver, doubtful)
        page.emulate()
        page.open()
        page.find("file").send_keys(str(DOG))
        assert page.answer() == "Hard to say"
        meaning = "Perhaps a dog, but the model isn't sure enough: of 100 photos .* show a dog."
        assert re.fullmatch(meaning, page.find("meaning").text)
        page.shoot("page_abstained_light")
        page.emulate("dark")
        page.shoot("page_abstained_dark")


def test_an_unreachable_server_is_said_to_be_one(driver: Any) -> None:
    with Server() as gone:
        page = Page(driver, gone)
        page.emulate()
        page.open()
    page.find("file").send_keys(str(DOG))
    page.wait(lambda: page.find("error").is_displayed())
    assert page.find("error").text == "The server can't be reached. Is the network up? Try again."
    driver.get_log("browser")


@pytest.mark.parametrize("number", [0, 1])
def test_samples_are_at_a_click(page: Page, number: int) -> None:
    page.driver.find_elements(By.CSS_SELECTOR, ".sample")[number].click()
    assert page.answer().startswith(("It's a cat", "It's a dog")[number])
    page.shoot(f"page_sample_{number}")


@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_docs_lay_out_every_operation(page: Page, phone: bool) -> None:
    if page.server.ask("/static/swagger-ui-bundle.js")[0] == 404:
        pytest.skip("built without Swagger UI: scripts/contract_tests.sh gets it")
    paths = json.loads(page.server.ask("/openapi.json")[1])["paths"]
    page.emulate(phone=phone)
    page.open("/docs")
    operations = (By.CSS_SELECTOR, ".opblock")
    page.wait(lambda: len(page.driver.find_elements(*operations)) == len(paths))
    size = "phone" if phone else "desktop"
    page.shoot(f"docs_{size}")
    page.driver.find_element(By.CSS_SELECTOR, "#operations-operation-health .opblock-summary-control").click()
    opened = page.wait(lambda: page.driver.find_elements(By.CSS_SELECTOR, "#operations-operation-health.is-open"))[0]
    page.wait(lambda: opened.find_elements(By.CSS_SELECTOR, ".try-out__btn"))[0].click()
    page.wait(lambda: opened.find_elements(By.CSS_SELECTOR, ".execute"))[0].click()
    answer = page.wait(lambda: opened.find_elements(By.CSS_SELECTOR, ".live-responses-table .response"))[0]
    assert "200" in answer.text and "healthy" in answer.text
    assert not page.scrolls_sideways()
    page.shoot(f"docs_{size}_tried")
