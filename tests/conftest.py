"""Com vários processos (`-n`), o que tem de ficar junto fica: um caderno é um kernel só, e uma fixture cara é feita uma vez."""

import pytest

# Destes arquivos cada teste pode ir para um processo; dos outros, todos vão para o mesmo.
DIVIDEM = {"test_afirmacoes.py", "test_confere.py", "test_duro.py", "test_curso.py", "test_historinhas.py"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        junto = item.path.name
        if junto in DIVIDEM:
            junto = "laboratório" if "treinados" in getattr(item, "fixturenames", ()) else None
        if junto:
            item.add_marker(pytest.mark.xdist_group(junto))
