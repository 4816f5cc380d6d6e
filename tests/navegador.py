"""O navegador dos testes: o Chromium que houver na máquina, guiado pelo Playwright.

Sem ele os testes são pulados, com uma frase; com EXIGE_NAVEGADOR=1 (como em .ci/run) a falta é um erro.
"""

import os
import shutil
from contextlib import contextmanager

import pytest

try:
    from playwright.sync_api import sync_playwright
except ModuleNotFoundError:
    sync_playwright = None

NOMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NOMES)), None)
FALTA = ("falta o pacote playwright (tests/requirements.txt)" if sync_playwright is None else
         "não há Chromium nesta máquina: instale-o (apt install chromium) ou diga onde está na variável CHROMIUM"
         if CHROMIUM is None else None)
if FALTA and os.environ.get("EXIGE_NAVEGADOR"):
    raise RuntimeError(f"EXIGE_NAVEGADOR está ligada, e {FALTA}.")

precisa_de_navegador = pytest.mark.skipif(FALTA is not None, reason=f"teste no navegador pulado: {FALTA}")


@contextmanager
def navegador():
    """Um Chromium sem janela; fecha ao sair."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


class Vigia:
    """Anota o que uma página pede pela rede e os erros que ela dá."""

    def __init__(self, pagina):
        self.pedidos, self.erros = [], []
        pagina.on("request", lambda pedido: self.pedidos.append(pedido.url))
        pagina.on("pageerror", lambda erro: self.erros.append(str(erro)))
        pagina.on("console", lambda linha: linha.type in ("error", "warning") and self.erros.append(linha.text))
