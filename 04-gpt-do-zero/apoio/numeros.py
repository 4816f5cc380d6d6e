"""Números como se escrevem em português: vírgula nos decimais, ponto nos milhares, e o sinal de menos, que não é o hífen."""

import re

TROCAS = str.maketrans(".,-", ",.−")


def numero(valor, casas=1):
    """1234.56 -> «1.234,6»; -0.04 -> «0,0»: um zero não tem sinal."""
    return formatado(valor, f",.{casas}f")


def porcento(parte, casas=0):
    """0.843 -> «84%»."""
    return formatado(parte, f",.{casas}%")


def formatado(valor, formato):
    """O valor num formato do Python, escrito em português: (0.12345, ".3g") -> «0,123»; (1e-5, ".1e") -> «1,0e−5»."""
    escrito = re.sub(r"e\+?(-?)0*(?=\d)", r"e\1", f"{float(valor):{formato}}")
    return re.sub(r"^-(?=[0.,]+(e|%|$))", "", escrito).translate(TROCAS)
