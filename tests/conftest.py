"""Como os testes se repartem: entre os processos e entre a suíte inteira e a rápida."""

from collections import Counter

import pytest

ESPALHADOS = {"test_viradas.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    vistos = Counter()
    for item in items:
        # Cada arquivo num processo só, que assim prepara as suas coisas uma vez; as viradas, espalhadas.
        if config.pluginmanager.hasplugin("xdist") and item.path.name not in ESPALHADOS:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))
        # Com `uma_em(n)`, os rápidos rodam um caso em cada n; a suíte inteira, todos.
        if (marca := item.get_closest_marker("uma_em")) is not None:
            teste = item.nodeid.partition("[")[0]
            if vistos[teste] % marca.args[0]:
                item.add_marker(pytest.mark.lento)
            vistos[teste] += 1
