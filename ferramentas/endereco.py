"""Põe o curso num endereço: o do fork de quem ensina. É o comando «curso.py endereco [URL] [--ref REF]».

O endereço fica em [tool.curso] do pyproject.toml, e «atualizar enderecos» o leva a tudo o que o aluno abre ou clica.
"""

import os
import re
import shutil
import subprocess

import curso

EXEMPLO = "https://github.com/VOCÊ/REPOSITÓRIO"
# https://servidor/dono/nome, servidor/dono/nome, git@servidor:dono/nome.git, ssh://git@servidor:porta/dono/nome.git
FORMA = re.compile(r"(?:(?P<como>https?|ssh|git)://)?(?:[^@/\s]+@)?(?P<servidor>[\w-]+(?:\.[\w-]+)+)(?P<porta>:\d+(?=/))?[:/]"
                   r"(?P<caminho>[\w.~-]+(?:/[\w.~-]+)+)/?", re.ASCII)
GITHUB = "https://github.com/"


def mudar(url, ref):
    repositorio = por_https(origem() if url is None else url)
    ref = ref or curso.configuracao()["ref"]
    if not re.fullmatch(r"[\w.][\w./-]*", ref, re.ASCII):
        raise curso.Falha(f"«{ref}» não serve de nome de ramo nem de etiqueta: use letras sem acento, números, ponto, barra e hífen.")
    curso.preparar(curso.PACOTES)
    escrever(repositorio, ref)
    codigo = curso.rodar([str(curso.RAIZ / "ferramentas" / "atualizar.py"), "enderecos"], curso.RAIZ)
    if codigo == 0:
        contar(repositorio, ref)
    return codigo


def por_https(url):
    """O endereço público do repositório, sem usuário nem senha: é o que vai para os notebooks."""
    lido = FORMA.fullmatch(url.strip())
    servidor = lido and re.sub(r"^(www|ssh)\.(?=github\.com$)", "", lido["servidor"].lower())
    if not lido or servidor == "github.com" and lido["caminho"].count("/") != 1:
        raise curso.Falha(f"Não reconheço o endereço de um repositório em «{url}»: dê um como {EXEMPLO}.")
    porta = lido["porta"] if lido["como"] == "https" and lido["porta"] else ""
    return f"https://{servidor}{porta}/{lido['caminho'].removesuffix('.git')}"


def git(*argumentos):
    """A saída do git, sem que ele peça senha; None se não há git, se ele falha ou se demora."""
    programa = shutil.which("git")
    try:
        feito = programa and subprocess.run(
            [programa, "-c", "credential.helper=", *argumentos], cwd=curso.RAIZ,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": ""},
            stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", timeout=30)
    except subprocess.TimeoutExpired:
        return None
    return feito.stdout if feito and feito.returncode == 0 else None


def origem():
    """O endereço de onde se clonou esta pasta; não o de outro repositório que a tenha dentro."""
    url = (curso.RAIZ / ".git").exists() and git("config", "--get", "remote.origin.url")
    if not url:
        raise curso.Falha(f"Esta pasta não diz de que repositório veio: escreva o endereço dele, «curso.py endereco {EXEMPLO}».")
    return url.strip()


def escrever(repositorio, ref):
    arquivo = curso.RAIZ / "pyproject.toml"
    antes, secao, depois = arquivo.read_bytes().decode("utf-8").partition("[tool.curso]")
    for chave, valor in (("repositorio", repositorio), ("ref", ref)):
        depois = re.sub(rf'^({chave}\s*=\s*")[^"]*', rf"\g<1>{valor}", depois, count=1, flags=re.MULTILINE)
    curso.gravar(arquivo, (antes + secao + depois).encode("utf-8"))


def contar(repositorio, ref):
    curso.avisar(f"O curso agora está em {repositorio} ({ref}). Para valer, publique: git commit -am \"Endereço do curso\", e git push.")
    refs = git("ls-remote", repositorio, f"refs/heads/{ref}", f"refs/tags/{ref}")
    if refs is None:
        curso.avisar(f"Aviso: não consegui ver {repositorio} sem senha: confira se o nome está certo e se o repositório é público.")
    elif not refs:
        curso.avisar(f"Aviso: lá ainda não há ramo nem etiqueta «{ref}»: crie-o antes de dar o link aos alunos.")
    if repositorio.startswith(GITHUB):
        curso.avisar("Um fork nasce sem a aba Issues, que recebe os «Achou um erro?»: ligue-a em Settings › General › Features.")
    else:
        curso.avisar("O Colab só abre o que está no GitHub: os selos levam à página dele, e lá cada aluno tem de enviar o notebook.")
