"""Como os testes se repartem entre os processos: cada arquivo num só, que assim prepara as suas coisas uma vez; as viradas, espalhadas."""

import pytest

ESPALHADOS = {"test_viradas.py"}


def pytest_collection_modifyitems(config, items):
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            if item.path.name not in ESPALHADOS:
                item.add_marker(pytest.mark.xdist_group(str(item.path)))
