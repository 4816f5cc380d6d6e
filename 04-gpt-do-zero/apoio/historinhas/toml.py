"""O arquivo TOML aberto, e o que se exige de cada dado dele: o que não serve é recusado num instante, com uma frase."""

import difflib
import itertools
import os
import re
import reprlib
import tomllib
import unicodedata
from pathlib import Path

from apoio import arquivos
from gptmini.texto import WordTokenizer

TIPOS = {dict: "uma tabela", list: "uma lista entre colchetes", str: "um texto entre aspas"}
SOLTOS = re.compile(r'"(?:\\.|[^"\\\n])*+"|\'[^\'\n]*+\'|#.*')    # textos e comentários: o que há neles não é estrutura
MARCAS = re.compile("[\u0300-\U0010ffff]{31,}")                # onde pode haver acentos empilhados às dezenas
MAX_BYTES = 200_000                              # a gramática do curso tem 16 mil
MAX_FUNDO = 20                                   # tabelas e listas umas dentro das outras
MAX_LETRAS = {"palavra": 40, "etiqueta": 60, "frase": 1_000}


class GramaticaInvalida(ValueError):
    """A gramática tem um erro; a mensagem diz o enredo, a frase e a lacuna, e do que cita mostra só o começo."""

    def __init__(self, mensagem):
        super().__init__(re.sub(r"«([^»]{100})[^»]+»", r"«\1…»", imprimivel(mensagem)))


# -- como dizer ---------------------------------------------------------------------------------------

def imprimivel(texto):
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in texto)


def maiuscula(palavra, sim=True):
    return palavra[:1].upper() + palavra[1:] if sim else palavra


def aspas(token):
    return "quebra de linha" if token == "\n" else f"«{imprimivel(token[:40])}{'…' if len(token) > 40 else ''}»"


def ou(palavras, no_maximo=4):
    ditas = [aspas(p) for p in palavras]
    if len(ditas) > no_maximo:
        return f"{', '.join(ditas[: no_maximo - 1])} ou outras {len(ditas) - no_maximo + 1}"
    return " ou ".join(filter(None, [", ".join(ditas[:-1]), ditas[-1]]))


def perto(palavra, conhecidas):
    achadas = difflib.get_close_matches(palavra[:60], itertools.islice(conhecidas, 500), 1)
    return f"Seria «{achadas[0]}»?" if achadas else f"Existem: {', '.join(itertools.islice(conhecidas, 20))}."


def curto(valor):
    """Como mostrar o que veio, seja o que for, dentro de uma frase."""
    return " ".join(reprlib.repr(valor).split())[:60]


# -- do arquivo aos dados -----------------------------------------------------------------------------

def texto_nfc(texto):
    """Cada letra acentuada num código só. Normalizar milhares de acentos sobre uma letra levaria minutos; nenhuma escrita tem trinta."""
    for trecho in MARCAS.findall(texto):
        if any(marca and len([*grupo]) > 30 for marca, grupo in itertools.groupby(trecho, lambda c: unicodedata.combining(c) > 0)):
            raise ValueError("há uma letra com mais de 30 acentos empilhados; não esperava mais que um ou dois")
    return unicodedata.normalize("NFC", str(texto))


def _nfc(dados, fundo=MAX_FUNDO):
    """O mesmo dado com todos os textos, chaves inclusive, na forma em que cada letra acentuada é um código só."""
    if isinstance(dados, str):
        return texto_nfc(dados)
    if not isinstance(dados, (list, tuple, dict)):
        return dados
    if not fundo:
        raise ValueError(f"há mais de {MAX_FUNDO} tabelas ou listas umas dentro das outras")
    if not isinstance(dados, dict):
        return [_nfc(d, fundo - 1) for d in dados]
    for chave in dados:
        if not isinstance(chave, str):
            raise ValueError(f"a chave {curto(chave)} não é um texto")
    novo = {texto_nfc(k): _nfc(v, fundo - 1) for k, v in dados.items()}
    if len(novo) < len(dados):
        raise ValueError("há duas chaves que só diferem no código dos acentos")
    return novo


def abre(caminho):
    """Caminho -> (o texto do arquivo, os dados que ele diz)."""
    nome = caminho.name[:60]
    if not os.path.isfile(caminho):                 # antes de abrir: quem abre um cano espera para sempre
        porem = " (com esse nome há uma pasta, ou outra coisa)" if os.path.exists(caminho) else ""
        raise GramaticaInvalida(f"não achei o arquivo «{nome}»{porem}; a busca partiu de {Path.cwd()}.")
    try:
        with open(caminho, "rb") as arquivo:
            lidos = arquivo.read(MAX_BYTES + 1)
    except OSError as erro:
        raise GramaticaInvalida(f"não consegui ler {nome}: {arquivos.motivo(erro).split(';')[0]}; copie-o para uma pasta sua.") from erro
    if len(lidos) > MAX_BYTES:
        raise GramaticaInvalida(f"{nome} tem mais de {MAX_BYTES // 1000} mil bytes; uma gramática é menor que isso.")
    try:
        fonte = texto_nfc(lidos.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
        _exige_raso(fonte)
        return fonte, _nfc(tomllib.loads(fonte))
    except UnicodeDecodeError:
        raise GramaticaInvalida(f"{nome} não está em UTF-8; salve-o de novo nessa codificação.") from None
    except RecursionError:
        raise GramaticaInvalida(f"{nome}: há tabelas ou listas demais umas dentro das outras; confira os colchetes.") from None
    except tomllib.TOMLDecodeError as erro:
        lugar = re.search(r"line (\d+), column (\d+)", str(erro))
        linha, coluna = map(int, lugar.groups()) if lugar else (fonte.count("\n") + 1, 1)
        enredo = re.findall(r'(?m)^nome\s*=\s*"(.*)"', "\n".join(fonte.split("\n")[: linha - 1]))
        onde = f"enredo «{enredo[-1][:60]}», " if enredo else ""
        o_que = ("essa tabela ou chave já existe; apague uma das duas, ou troque o nome" if "Cannot" in str(erro) else
                 "não é um TOML válido; confira aspas, vírgulas e colchetes")
        raise GramaticaInvalida(f"linha {linha}: {onde}perto da coluna {coluna}: {o_que}.") from None
    except GramaticaInvalida:
        raise
    except ValueError as erro:                           # de `_nfc`; ou do Python, de um número de milhares de dígitos
        porque = erro if "digits" not in str(erro) else "há um número com dígitos demais; apague-o"
        raise GramaticaInvalida(f"{nome}: {porque}.") from None


def _exige_raso(fonte):
    """Tabelas e listas aninhadas aos milhares são recusadas antes que o leitor de TOML se perca nelas."""
    fundo = 0
    for linha, texto in enumerate(fonte.split("\n"), 1):
        estrutura, fundo_max = SOLTOS.sub("", texto), fundo
        for sinal in re.findall(r"[][{}]", estrutura):
            fundo = max(0, fundo + (1 if sinal in "[{" else -1))
            fundo_max = max(fundo, fundo_max)
        if max(fundo_max, estrutura.count(".")) > MAX_FUNDO:
            raise GramaticaInvalida(f"linha {linha}: há mais de {MAX_FUNDO} tabelas ou listas umas dentro das outras; "
                                    "confira os colchetes, as chaves e os pontos.")


def da_turma(nome, listas):
    """O que a turma passou em `nomes` ou `palavras`, com chaves e textos normalizados."""
    if not isinstance(listas, dict | None):
        exemplo = '{"f": ["Bia"], "m": ["Davi"]}' if nome == "nomes" else '{"fruta": {"fp": ["uvas"]}}'
        raise GramaticaInvalida(f"{nome} veio {curto(listas)}; esperava uma tabela, como {exemplo}.")
    try:
        return _nfc(listas)
    except ValueError as erro:
        raise GramaticaInvalida(f"{nome}: {erro}.") from None


# -- o que se exige de cada dado; `onde` é como a mensagem diz o lugar -------------------------------------

def confere(valor, tipo, onde):
    if not isinstance(valor, tipo):
        raise GramaticaInvalida(f"{onde}: esperava {TIPOS[tipo]}, veio {curto(valor)}.")
    return valor


def pede(tabela, chave, tipo, onde):
    if chave not in tabela:
        raise GramaticaInvalida(f"{onde}: falta «{chave}»; veja como essa parte se escreve em historinhas.toml.")
    return confere(tabela[chave], tipo, f"{onde}, «{chave}»")


def textos(valor, onde, no_maximo=10_000):
    if len(confere(valor, list, onde)) > no_maximo:
        raise GramaticaInvalida(f"{onde}: são {len(valor)} textos na lista; tire alguns, que o máximo é {no_maximo}.")
    return [confere(t, str, onde) for t in valor]


def cabe(texto, o_que, onde):
    if len(texto) > MAX_LETRAS[o_que]:
        raise GramaticaInvalida(f"{onde}: «{texto[:40]}…» tem {len(texto)} letras; numa {o_que} cabem {MAX_LETRAS[o_que]}.")
    if not texto.isprintable():
        raise GramaticaInvalida(f"{onde}: «{texto}» tem um sinal que não se imprime; apague-o.")
    return texto


def palavra_so(palavra, onde):
    cabe(palavra, "palavra", onde)
    if WordTokenizer.split(palavra) != [palavra] or not palavra[:1].isalpha():
        raise GramaticaInvalida(f"{onde}: «{palavra}» precisa ser uma palavra só, sem espaço (dois nomes se unem com hífen: Ana-Clara).")
    return palavra


def formas(texto, onde):
    formas = tuple(palavra_so(p, onde) for p in cabe(texto, "frase", onde).split())
    if len(formas) != 4:
        raise GramaticaInvalida(f"{onde}: «{texto}» tem {len(formas)} formas; esperava 4: masculino, feminino e os dois plurais.")
    return formas
