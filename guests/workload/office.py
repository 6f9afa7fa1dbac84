"""LibreOffice at work on two documents, without a display: a text of some pages and a spreadsheet with formulas are opened,
edited, calculated, saved, exported as PDF and closed, over and over, by one process of it that is driven through UNO.
"""

import glob
import os
import random
import subprocess
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.connection import NoConnectException

from pace import Pace

UNIT = "actions"
PIPE = "testbed-office"
# About what goes on a page of A4 in the default style.
PARAGRAPHS_PER_PAGE = 8
WORDS_PER_PARAGRAPH = 70
WORDS = "guest host memory page disk network bridge pool image move load time first second last".split()
# How many paragraphs, or cells, are edited each time that a document is open. To open, to save and to export one takes far
# longer than an edit: with more of these, seconds would differ by what happens to be done in them.
EDITS = 5


def run(config, progress):
    directory = os.path.join(config["directory"], "office")
    os.makedirs(directory, exist_ok=True)
    # A LibreOffice that was killed has left its locks, and its documents would be opened to be read alone.
    for lock in glob.glob(os.path.join(directory, ".~lock.*")):
        os.unlink(lock)
    desktop = connect(start(directory))
    pace = Pace(config.get("actionsPerSecond"))

    def act(action, *arguments):
        pace.spend(1)
        result = action(*arguments)
        progress.add()
        return result

    text, sheet = (os.path.join(directory, name) for name in ["text.odt", "sheet.ods"])
    make_text(desktop, text, config["pages"])
    make_sheet(desktop, sheet, config["rows"])
    progress.start()
    while True:
        work_on_text(act, desktop, text)
        work_on_sheet(act, desktop, sheet, config["rows"])


def start(directory):
    return subprocess.Popen(
        [
            "soffice",
            "--headless",
            "--norestore",
            "--nologo",
            "--nodefault",
            "--accept=pipe,name=%s;urp" % PIPE,
            "-env:UserInstallation=file://%s/profile" % directory,
        ],
        env={**os.environ, "HOME": directory},
    )


def connect(office):
    """The desktop of a LibreOffice that has been started, as soon as that listens."""
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    while True:
        try:
            context = resolver.resolve("uno:pipe,name=%s;urp;StarOffice.ComponentContext" % PIPE)
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except NoConnectException:
            if office.poll() is not None:
                raise RuntimeError("LibreOffice did not start: it ended with %d" % office.returncode)
            time.sleep(0.2)


def url(path):
    return uno.systemPathToFileUrl(path)


def properties(**values):
    return tuple(PropertyValue(Name=name, Value=value) for name, value in values.items())


def words(count):
    return " ".join(random.choices(WORDS, k=count))


def make_text(desktop, path, pages):
    document = desktop.loadComponentFromURL("private:factory/swriter", "_blank", 0, properties(Hidden=True))
    paragraphs = [words(WORDS_PER_PARAGRAPH) for _ in range(pages * PARAGRAPHS_PER_PAGE)]
    document.Text.setString("\n".join(paragraphs))
    document.storeToURL(url(path), ())
    document.close(True)


def make_sheet(desktop, path, rows):
    """In each row eight numbers and four formulas over them; below, sums over all rows."""
    document = desktop.loadComponentFromURL("private:factory/scalc", "_blank", 0, properties(Hidden=True))
    sheet = document.Sheets.getByIndex(0)
    sheet.getCellRangeByPosition(0, 0, 7, rows - 1).setDataArray(
        tuple(tuple(random.random() for _ in range(8)) for _ in range(rows))
    )
    formulas = (
        "=SUM(A{0}:H{0})",
        "=AVERAGE(A{0}:H{0})*I{0}",
        "=IF(A{0}>B{0};MAX(C{0}:H{0});MIN(C{0}:H{0}))",
        "=RANK(I{0};I$1:I${1})",
    )
    sheet.getCellRangeByPosition(8, 0, 11, rows - 1).setFormulaArray(
        tuple(tuple(formula.format(row, rows) for formula in formulas) for row in range(1, rows + 1))
    )
    sheet.getCellByPosition(0, rows).setFormula("=SUM(I1:L%d)" % rows)
    document.storeToURL(url(path), ())
    document.close(True)


def opened(desktop, path):
    return desktop.loadComponentFromURL(url(path), "_blank", 0, properties(Hidden=True))


def exported(document, path, filter_name):
    document.storeToURL(url(path), properties(FilterName=filter_name, Overwrite=True))


def work_on_text(act, desktop, path):
    document = act(opened, desktop, path)
    paragraphs = list(items(document.Text))
    for paragraph in random.sample(paragraphs, min(EDITS, len(paragraphs))):
        act(paragraph.setString, words(WORDS_PER_PARAGRAPH))
    act(document.store)
    act(exported, document, path + ".pdf", "writer_pdf_Export")
    act(document.close, True)


def items(text):
    enumeration = text.createEnumeration()
    while enumeration.hasMoreElements():
        yield enumeration.nextElement()


def work_on_sheet(act, desktop, path, rows):
    document = act(opened, desktop, path)
    sheet = document.Sheets.getByIndex(0)
    for _ in range(EDITS):
        cell = sheet.getCellByPosition(random.randrange(8), random.randrange(rows))
        act(cell.setValue, random.random())
    act(document.calculateAll)
    act(document.store)
    act(exported, document, path + ".pdf", "calc_pdf_Export")
    act(document.close, True)
