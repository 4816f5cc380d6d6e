"""Como os testes se repartem entre a suíte inteira e a rápida."""

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
