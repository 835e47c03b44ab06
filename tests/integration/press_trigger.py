"""In a real browser, press Trigger on churn_training in Airflow, and read the model's card.

A program of its own: `press_trigger.py URL SCREENSHOT`, the password in AIRFLOW_PASSWORD.
"""

import os
import re
import sys

from playwright.sync_api import Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RUN_MILLISECONDS = 60_000


def press(page: Page, url: str, screenshot: str) -> None:
    """Run the DAG as a person does."""
    page.goto(f"{url}/dags/churn_training")
    page.get_by_role("textbox", name="Username").fill("admin")
    page.locator("input[type=password]").fill(os.environ["AIRFLOW_PASSWORD"])
    page.get_by_role("button", name=re.compile("sign in|log in", re.IGNORECASE)).click()
    page.get_by_test_id("trigger-dag-button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("churn_training")
    expect(dialog).to_contain_text("as set by CHURN_PROMOTION")
    expect(dialog).not_to_contain_text("null")
    page.screenshot(path=screenshot.replace(".png", ".form.png"))
    dialog.get_by_role("button", name=re.compile("^Trigger")).last.click()
    expect(page.get_by_text("Dag Run Triggered").first).to_be_visible()
    page.goto(f"{url}/dags/churn_training/runs")
    newest = page.locator("tbody tr").first
    expect(newest).to_contain_text("manual")
    expect(newest).to_contain_text("Success", timeout=RUN_MILLISECONDS)
    page.screenshot(path=screenshot)


def read_card(page: Page, url: str) -> None:
    """Look at the model's card in both of Airflow's themes."""
    for theme, paper in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 17, 17)")):
        page.evaluate(f"localStorage.setItem('theme', '{theme}')")
        page.goto(f"{url}/plugin/churn-model-card")
        card = page.frame_locator("iframe[title='Churn model card']")
        expect(card.locator("h1")).to_contain_text("Churn model")
        expect(card.locator("html")).to_have_css("background-color", paper)


def main() -> None:
    """Open the browser, press, and close it."""
    url, screenshot = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        try:
            press(page, url, screenshot)
            read_card(page, url)
        except Exception:
            page.screenshot(path=f"{screenshot}.failed.png")
            raise
        finally:
            browser.close()


if __name__ == "__main__":
    main()
