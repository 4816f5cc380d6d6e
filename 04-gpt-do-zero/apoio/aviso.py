"""O fim da preparação de cada notebook, que chama `ligar`: quem pula uma célula recebe uma frase no lugar de um NameError, e
quem tem o notebook e o curso de versões diferentes fica sabendo."""

import re
import sys
import traceback
from pathlib import Path

RAIZ = Path(__file__).resolve().parents[2]


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


def numeros(versao):
    return [int(n) for n in re.findall(r"\d+", versao)]


def sobre_a_versao(do_notebook):
    """A frase para quem tem o notebook de uma versão e o curso de outra; nenhuma se são a mesma, ou se só o capítulo veio para cá."""
    ajustes = RAIZ / "pyproject.toml"
    achada = ajustes.is_file() and re.search(r'^\[tool\.curso\][^\[]*?^versao = "(.+?)"', ajustes.read_text(encoding="utf-8"), re.MULTILINE)
    if not achada or achada[1] == do_notebook:
        return ""
    do_curso = achada[1]
    if numeros(do_curso) < numeros(do_notebook):
        return (f"O curso em {RAIZ} é o {do_curso}, mais velho que este notebook ({do_notebook}): atualize essa pasta com «git pull», ou dê "
                "outro nome a ela, reinicie o kernel e rode esta célula outra vez.")
    return (f"Este notebook é do curso {do_notebook}, e o que está em {RAIZ} já é o {do_curso}: se algo não combinar, abra a lição nova, "
            "que está lá (e ao lado desta, com «-novo» no nome, depois de «curso.py aula»).")


def ligar(versao=None):
    """No Jupyter, passa a explicar os nomes que faltam; `versao` é a do curso para que o notebook foi feito."""
    sys.path[:] = dict.fromkeys(sys.path)  # quem roda a preparação de novo não repete a pasta do curso
    if versao and (frase_da_versao := sobre_a_versao(versao)):
        print(frase_da_versao, file=sys.stderr)
    try:
        get_ipython().set_custom_exc((NameError,), explicar)
    except NameError:
        pass
