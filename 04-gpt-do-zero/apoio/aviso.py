"""Quem pula uma célula recebe uma frase no lugar de um NameError: a preparação de cada notebook chama `ligar`."""

import re
import sys
import traceback


def frase(nome):
    return (f"«{nome}» ainda não existe: falta rodar uma célula de antes. Rode todas as de cima (no JupyterLab, menu Run, "
            "«Run All Above Selected Cell»; no Colab, «Executar anteriores») e volte a esta. Se o nome é seu, confira se está "
            "escrito como na linha em que foi criado." + (" Se é um texto, faltam as aspas." if nome.isupper() and len(nome) > 2 else ""))


def explicar(ipython, tipo, erro, rastro, tb_offset=None):
    """Mostra o erro como sempre e, se o nome que falta foi pedido na própria célula, a frase depois dele."""
    ipython.showtraceback((tipo, erro, rastro), tb_offset=tb_offset)
    quem = traceback.extract_tb(rastro)[-1].filename
    nome = getattr(erro, "name", None) or "".join(re.findall(r"'([^']+)'", str(erro))[:1])
    if nome and (quem.startswith("<ipython") or "ipykernel" in quem):
        print(frase(nome), file=sys.stderr)
    return traceback.format_exception(tipo, erro, rastro)


def ligar():
    """No Jupyter, passa a explicar os nomes que faltam; fora dele, não faz nada."""
    try:
        get_ipython().set_custom_exc((NameError,), explicar)
    except NameError:
        pass
