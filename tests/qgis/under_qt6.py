"""Run as a script where PyQt6 is: the plugin on Qt 6, with stand-ins for what QGIS 4 adds to it.

Qt is real, with scoped enums only, and `qgis.PyQt` hands it on as QGIS 4 does (QAction among the
widgets, too). `qgis.core` and `qgis.gui` are stand-ins whose enums are scoped, as in QGIS 4: an
enum that the plugin names without its scope is an AttributeError. Arguments: the folder that holds
the plugin. Writes one JSON object to stdout: among it what the modules
name of Qt that Qt 6 does not have.
"""

import ast
import enum
import importlib
import json
import os
import sys
import types
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PyQt6 import QtCore, QtGui, QtWidgets


class Qgis:
    """The enums of QGIS 4 that the plugin names."""

    class ProcessingParameterFlag(enum.Flag):
        Advanced = 2

    class ProcessingNumberParameterType(enum.Enum):
        Integer = 0
        Double = 1

    class ProcessingFileParameterBehavior(enum.Enum):
        File = 0
        Folder = 1


class Parameter:
    """A parameter of an algorithm: its name, and its flags."""

    def __init__(self, name, *_, **__):
        self._name, self._flags = name, Qgis.ProcessingParameterFlag(0)

    def name(self):
        return self._name

    def flags(self):
        return self._flags

    def setFlags(self, flags):  # noqa: N802
        self._flags = Qgis.ProcessingParameterFlag(flags)


class Algorithm:
    """An algorithm that keeps its parameters."""

    def __init__(self):
        self.parameters = []

    def addParameter(self, parameter):  # noqa: N802
        self.parameters.append(parameter)

    def addOutput(self, output):  # noqa: N802
        pass


class Provider:
    """A provider that keeps its algorithms."""

    def addAlgorithm(self, algorithm):  # noqa: N802
        algorithm.initAlgorithm()
        self.__dict__.setdefault("algorithms", []).append(algorithm)


class Registry:
    """The registry of providers, which loads one as it comes."""

    def __init__(self):
        self.providers = []

    def addProvider(self, provider):  # noqa: N802
        provider.loadAlgorithms()
        self.providers.append(provider)

    def removeProvider(self, provider):  # noqa: N802
        self.providers.remove(provider)


class Window:
    """What the plugin asks of QGIS's window: a real window of Qt 6 among it."""

    def __init__(self):
        self.window, self.actions, self.handlers = QtWidgets.QMainWindow(), [], []

    def mainWindow(self):  # noqa: N802
        return self.window

    def messageBar(self):  # noqa: N802
        return types.SimpleNamespace(pushInfo=lambda *_: None, pushWarning=lambda *_: None)

    def addToolBarIcon(self, action):  # noqa: N802
        self.window.addToolBar("geoloc").addAction(action)

    def addPluginToMenu(self, _, action):  # noqa: N802
        self.actions.append(action)

    def removePluginMenu(self, _, action):  # noqa: N802
        self.actions.remove(action)

    def removeToolBarIcon(self, action):  # noqa: N802
        pass

    def registerCustomDropHandler(self, handler):  # noqa: N802
        self.handlers.append(handler)

    def unregisterCustomDropHandler(self, handler):  # noqa: N802
        self.handlers.remove(handler)


REGISTRY = Registry()


def module(name, **members):
    """Have Python import `name` with these members."""
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


def stand_in(name):
    """What `qgis.core` or `qgis.gui` has under a name."""
    if not name.startswith("Qgs"):
        raise AttributeError(name)
    if name.startswith("QgsProcessingParameter"):
        return Parameter
    return type(name, (), {"__init__": lambda self, *_, **__: None})


def lay_out_qgis():
    """Modules as QGIS 4 has them."""
    widgets = {**vars(QtWidgets), "QAction": QtGui.QAction}
    module("qgis")
    module("qgis.PyQt")
    module("qgis.PyQt.QtCore").__dict__.update(vars(QtCore))
    module("qgis.PyQt.QtGui").__dict__.update(vars(QtGui))
    module("qgis.PyQt.QtWidgets").__dict__.update(widgets)
    application = type("QgsApplication", (), {"processingRegistry": staticmethod(lambda: REGISTRY)})
    module(
        "qgis.core",
        Qgis=Qgis,
        QgsApplication=application,
        QgsProcessingAlgorithm=Algorithm,
        QgsProcessingProvider=Provider,
        QgsProcessingException=type("QgsProcessingException", (Exception,), {}),
        __getattr__=stand_in,
    )
    module("qgis.gui", __getattr__=stand_in)


def chain(node):
    """``["Qt", "CursorShape", "CrossCursor"]`` of ``Qt.CursorShape.CrossCursor``; else none."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [node.id, *reversed(names)] if isinstance(node, ast.Name) else []


def unknown_to_qt(source):
    """What a module names of classes of Qt that Qt 6 does not have under that name."""
    tree = ast.parse(source)
    known = {
        name.asname or name.name: getattr(sys.modules[node.module], name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("qgis.PyQt.")
        for name in node.names
    }
    missing = set()
    for node in ast.walk(tree):
        first, *rest = chain(node) or [""]
        found = known.get(first)
        for name in rest if first in known else ():
            found = getattr(found, name, None)
        if first in known and found is None:
            missing.add(".".join([first, *rest]))
    return sorted(missing)


def main():
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder.parent))
    lay_out_qgis()
    application = QtWidgets.QApplication([])
    # Nobody is there to choose a file.
    QtWidgets.QFileDialog.getOpenFileName = staticmethod(lambda *_: ("", ""))
    for path in sorted(folder.glob("*.py")):
        importlib.import_module(f"{folder.name}.{path.stem}".removesuffix(".__init__"))
    window = Window()
    plugin = sys.modules[folder.name].classFactory(window)
    plugin.initGui()
    find, environment = window.actions
    find.setChecked(True)
    while_on = len(window.handlers)
    find.setChecked(False)
    environment.trigger()
    (provider,) = REGISTRY.providers
    folded = {
        algorithm.name(): sum(
            bool(each.flags() & Qgis.ProcessingParameterFlag.Advanced)
            for each in algorithm.parameters
        )
        for algorithm in provider.algorithms
    }
    has_icon = not provider.icon().isNull()
    plugin.unload()
    print(
        json.dumps(
            {
                "qt": QtCore.QT_VERSION_STR,
                "folded": folded,
                "icon": has_icon,
                "handlers": [while_on, len(window.handlers)],
                "unknown": {
                    path.name: unknown_to_qt(path.read_text(encoding="utf-8"))
                    for path in folder.glob("*.py")
                },
                "left": [len(window.actions), len(REGISTRY.providers)],
            }
        )
    )
    application.quit()


main()
