"""The plugin as QGIS loads it: the provider, the map tool, and the menu entries."""

from __future__ import annotations

from geoloc_qgis.environment import SETTING
from geoloc_qgis.provider import ICON, GeolocProvider
from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction, QFileDialog

_MENU = "geoloc"


class GeolocPlugin:
    """Adds the provider and, where there is a window, a tool and a setting."""

    def __init__(self, iface):
        self._iface = iface
        self._provider = None
        self._finder = None
        self._actions = []

    def initProcessing(self):  # noqa: N802
        """Called by qgis_process, and by `initGui`."""
        self._provider = GeolocProvider()
        QgsApplication.processingRegistry().addProvider(self._provider)

    def initGui(self):  # noqa: N802
        """Called by QGIS once its window is there."""
        from geoloc_qgis.photo_finder import TITLE, PhotoFinder

        self.initProcessing()
        window = self._iface.mainWindow()
        self._finder = PhotoFinder(self._iface)
        find = QAction(QIcon(str(ICON)), TITLE, window)
        find.setCheckable(True)
        find.toggled.connect(self._finder.set_active)
        self._iface.addToolBarIcon(find)
        choose = QAction("Environment...", window)
        choose.triggered.connect(self._choose_environment)
        self._actions = [find, choose]
        for action in self._actions:
            self._iface.addPluginToMenu(_MENU, action)

    def unload(self):
        """Called by QGIS when the plugin is switched off."""
        if self._finder is not None:
            self._finder.set_active(False)
        for action in self._actions:
            self._iface.removePluginMenu(_MENU, action)
            self._iface.removeToolBarIcon(action)
        if self._provider is not None:
            QgsApplication.processingRegistry().removeProvider(self._provider)

    def _choose_environment(self):
        """Ask for the Python, or the program geoloc, that all algorithms call."""
        title = "Python of the environment that geoloc is installed in"
        path, _ = QFileDialog.getOpenFileName(self._iface.mainWindow(), title)
        if path:
            QgsSettings().setValue(SETTING, path)
