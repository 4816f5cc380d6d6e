"""apoio: o que as lições usam e não ensinam. Cada sala só se carrega quando alguém a chama."""

import importlib

import gptmini  # noqa: F401  (antes do torch: é ele que diz ao OpenMP como esperar)

_SALAS = ("arquivos", "aviso", "confere", "corpus", "corrida", "historinhas", "interativo", "numeros", "ponto", "por_dentro",
          "pronto", "publicar", "treinar", "veja")

__all__ = [*_SALAS, "modelo_pronto"]


def __getattr__(nome):
    """Carrega uma sala no primeiro uso (PEP 562)."""
    if nome in _SALAS:
        return importlib.import_module(f".{nome}", __name__)
    if nome == "modelo_pronto":
        return importlib.import_module(".pronto", __name__).modelo_pronto
    raise AttributeError(f"o módulo apoio não tem «{nome}»; tem: {', '.join(__all__)}.")


def __dir__():
    return __all__
