"""Textos de verdade para treinar: contos de Machado de Assis, ou um arquivo seu."""

import codecs
import os
import re
from pathlib import Path

import torch

from . import historinhas
from .arquivos import NaoVeio, baixar, motivo

URL = ("https://raw.githubusercontent.com/wmelo52/GPTLab/dd6ccfb62b64eb00e4963f725cc9d4045a6aa39d/"
       "corpus/machado_de_assis_conto.txt")
SHA256 = "f7eaaccb575b68bdd7995bd688a4c52deb7f611678a429ec9ffcf2a2b4940720"


class TextoInvalido(ValueError):
    """Um arquivo que não é texto, ou que veio numa codificação que não se reconhece."""


def machado():
    """Contos de Machado de Assis (domínio público), 1,8 MB. Baixa uma vez e confere; sem rede, levanta `NaoVeio`."""
    return baixar(URL, SHA256, Path(torch.hub.get_dir()) / "gptmini" / "machado.txt").read_text(encoding="utf-8")


def machado_ou_historinhas(n=8_000):
    """(nome, texto): Machado onde ele pode ser lido; onde não, diz por quê e sorteia `n` historinhas."""
    try:
        return "Machado de Assis", machado()
    except NaoVeio as erro:
        print(f"Sem o Machado: {erro}\nEm lugar dele vão {n} historinhas.")
        return "historinhas", das_historinhas(n)


def das_historinhas(n=8_000):
    """As primeiras `n` historinhas, num texto só."""
    return "\n\n".join(h.texto for h in historinhas.sortear(n, semente=0))


LIMITE = 50_000_000      # bytes: uns cem romances; mais não cabe na memória
ASSINATURAS = {b"%PDF": "um PDF", b"PK\x03\x04": "um documento compactado, como .docx ou .odt",
               b"\xd0\xcf\x11\xe0": "um documento do Word antigo", b"{\\rtf": "um documento RTF"}
SALVE = "salve-o como texto simples, em UTF-8."
MINUSCULAS = set("áàâãéêíóôõúüç")
# O que um texto em português tem além de ASCII: letras, pontuação e sinais de cp1252 (latin-1 é parte dela).
ESPERADOS = MINUSCULAS | set("åèëìîïòöùûñÁÀÂÃÉÊÍÓÔÕÚÜÇÑ“”‘’«»–—…ºª°§·•€½¼\xa0")
# O que ele tem, mas não ali: assim aparecem, lidas em cp1252, as letras do DOS (cp850) e do Mac antigo (mac-roman).
DESLOCADOS = re.compile(r"""[^\0-\x7f] (?:
    (?<= [^\W\d_] [“‘«—–€§°·•½¼\xa0])                          # abre, separa ou mede, e veio colado a uma letra
  | (?<= [”»…]) (?=\w) | (?<= \s …) (?=\s)                     # fecha, e veio antes de uma letra; ou ficou sozinho
  | (?<= \xa0) (?<! \S\xa0) (?=\w)                              # um espaço que não separa nada
  | (?<= ’) (?<! \b[cdlmnst]’) (?<! \blh’) (?=\w)              # «pa’s»; a elisão de «d’água» pode
  | (?<= [^\WA-ZÀ-Þ\d_] [À-Þ]) | (?<= [ß-ÿ]) (?= [A-ZÀ-Þ])     # maiúscula e minúscula trocadas
  | (?<= \b Ñ) \b | (?<= \b à) (?! s?\b | quel)
  )""", re.VERBOSE)
SEM_ABRIR = re.compile(r"[^‘]*\w’(?!\w)")


def decodificar(dados):
    """bytes -> str: utf-8 (com ou sem BOM), utf-16 ou cp1252/latin-1; o que deixa dúvida levanta `TextoInvalido`."""
    if not isinstance(dados, (bytes, bytearray)):
        raise TypeError(f"decodificar recebe bytes, como os de Path(...).read_bytes(); veio {type(dados).__name__}.")
    dados = bytes(dados)
    for comeco, nome in ASSINATURAS.items():
        if dados.startswith(comeco):
            raise TextoInvalido(f"parece {nome}; abra-o e {SALVE}")
    texto = _tentar(dados).rstrip("\x1a").replace("\r\n", "\n").replace("\r", "\n")     # Ctrl-Z: o fim de arquivo do DOS
    if controle := re.search(r"[\0-\x08\x0b\x0e-\x1f]", texto):
        linha = texto.count("\n", 0, controle.start()) + 1
        raise TextoInvalido(f"tem na linha {linha} um código que texto não tem ({ord(controle[0])}); {SALVE}")
    if not texto.strip():
        raise TextoInvalido("está vazio; escreva ao menos uma frase.")
    return texto


def _tentar(dados):
    """O texto na única codificação que se pode afirmar."""
    if dados.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _utf16(dados, "utf-16")
    if dados[:1000].count(0) * 3 > len(dados[:1000]):        # utf-16 sem BOM: quase um byte em dois é zero
        return _utf16(dados, "utf-16-be" if dados[:1000:2].count(0) > dados[1:1000:2].count(0) else "utf-16-le")
    try:
        return dados.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as erro:
        inicio, cortado = erro.start, erro.reason == "unexpected end of data"
    # Um só acento certo já diz que era UTF-8: em cp1252 ele seria «Ã£» ou coisa assim, que ninguém escreve.
    salvo = dados.decode("utf-8", errors="replace")
    certas = sum(c > "\x7f" and c != "\ufffd" for c in salvo)
    if cortado and dados[inicio] in b"\xc2\xc3\xe2\xef\xf0" or MINUSCULAS & set(salvo) or certas > salvo.count("\ufffd"):
        linha = len((dados[:inicio] + b".").splitlines())
        if cortado:
            raise TextoInvalido(f"está cortado no meio de uma letra: é UTF-8 até o byte {inicio}, na linha {linha}; "
                                "copie-o outra vez inteiro, ou apague a última letra e salve de novo.")
        raise TextoInvalido(f"é UTF-8, mas tem na linha {linha} um byte que não é letra nenhuma "
                            f"(0x{dados[inicio]:02x}, o byte {inicio}); corrija essa linha e salve de novo em UTF-8.")
    # Qualquer byte é alguma letra em cp1252: só a aceitamos se quase todas são as que o português usa, e onde as usa.
    texto = dados.decode("cp1252", errors="replace")
    aspas = bool(SEM_ABRIR.match(texto)) + (texto.rfind("“") > texto.rfind("”"))      # só fecham, ou só abrem
    estranhos = sum(c > "\x7f" and c not in ESPERADOS for c in texto) + len(DESLOCADOS.findall(texto)) + aspas
    if estranhos * 20 > sum(c > "\x7f" for c in texto) or "\ufffd" in texto:
        raise TextoInvalido(f"não parece um texto em codificação conhecida; {SALVE}")
    return texto


def _utf16(dados, codificacao):
    try:
        return dados.decode(codificacao)
    except UnicodeDecodeError as erro:
        raise TextoInvalido(f"está em UTF-16 e se interrompe no byte {erro.start}, no meio de uma letra; "
                            f"copie-o outra vez e {SALVE}") from None


def de_arquivo(caminho):
    """O texto de um arquivo seu, seja qual for a codificação em que ele foi salvo."""
    caminho = os.fspath(caminho) if isinstance(caminho, os.PathLike) else caminho
    if not isinstance(caminho, str):
        raise TypeError(f'esperava o caminho de um arquivo, como "meu-texto.txt"; veio {type(caminho).__name__}.')
    nome = "".join(c if c.isprintable() else "?" for c in Path(caminho).name)
    if not os.path.lexists(caminho):
        raise FileNotFoundError(f"não achei {nome[:200]}; a busca partiu de {Path.cwd()}.")
    if not os.path.isfile(caminho):       # antes de abrir: quem abre um cano espera para sempre
        o_que = ("é uma pasta" if os.path.isdir(caminho) else "é um atalho para o que não existe" if os.path.islink(caminho)
                 else "não é um arquivo comum")
        raise TextoInvalido(f"não consegui ler «{nome}»: {o_que}; passe o caminho de um arquivo de texto.")
    try:
        with open(caminho, "rb") as arquivo:
            dados = arquivo.read(LIMITE + 1)
    except OSError as erro:
        raise TextoInvalido(f"não consegui ler {nome}: {motivo(erro).split(';')[0]}; copie-o para uma pasta sua.") from erro
    if len(dados) > LIMITE:
        raise TextoInvalido(f"{nome} tem mais de {LIMITE // 1_000_000} MB; passe um pedaço dele.")
    try:
        return decodificar(dados)
    except TextoInvalido as erro:
        raise TextoInvalido(f"{nome} {erro}") from None
