"""Como os testes se repartem entre a suíte inteira e a rápida."""

import signal
from collections import Counter

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Com `uma_em(n)`, os rápidos rodam um caso em cada n; a suíte inteira, todos."""
    vistos = Counter()
    for item in items:
        if (marca := item.get_closest_marker("uma_em")) is not None:
            teste = item.nodeid.partition("[")[0]
            if vistos[teste] % marca.args[0]:
                item.add_marker(pytest.mark.lento)
            vistos[teste] += 1


def pytest_configure(config):
    # Rodada com «&» por quem desligou o Ctrl+C, a suíte o herdaria, e os testes que interrompem esperariam para sempre.
    signal.signal(signal.SIGINT, signal.default_int_handler)
