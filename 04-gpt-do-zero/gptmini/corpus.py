"""Textos de verdade para treinar: contos de Machado de Assis, ou um arquivo seu."""

import codecs
from pathlib import Path

import torch

from . import historinhas
from .arquivos import NaoVeio, baixar

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
        return "historinhas", "\n\n".join(h.texto for h in historinhas.sortear(n, semente=0))


# O que um texto em português tem além de ASCII: letras, pontuação e sinais de cp1252 (latin-1 é parte dela).
ESPERADOS = set("áàâãäéèêëíìîïóòôõöúùûüçñÁÀÂÃÄÉÈÊËÍÌÎÏÓÒÔÕÖÚÙÛÜÇÑ“”‘’«»–—…ºª°§·•€£¡¿½¼\xa0")
ASSINATURAS = {b"%PDF": "um PDF", b"PK\x03\x04": "um documento compactado, como .docx ou .odt",
               b"\xd0\xcf\x11\xe0": "um documento do Word antigo", b"{\\rtf": "um documento RTF"}


def decodificar(dados):
    """bytes -> str: utf-8 (com ou sem BOM), utf-16 ou cp1252/latin-1; o que não é texto levanta `TextoInvalido`."""
    for comeco, nome in ASSINATURAS.items():
        if dados.startswith(comeco):
            raise TextoInvalido(f"parece {nome}; abra-o e salve como texto simples (.txt, UTF-8).")
    texto = _tentar(dados)
    if texto is None or any(c < " " and c not in "\t\n\f" for c in set(texto)):
        raise TextoInvalido("não parece um texto em codificação conhecida; salve-o como texto simples, em UTF-8.")
    if not texto.strip():
        raise TextoInvalido("está vazio; escreva ao menos uma frase.")
    return texto


def _tentar(dados):
    """O texto na primeira codificação que serve, com quebras de linha `\\n`; None se nenhuma serve."""
    if dados.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codificacoes = ["utf-16"]
    elif dados[:1000].count(0) * 3 > len(dados[:1000]):      # utf-16 sem BOM: quase um byte em dois é zero
        codificacoes = ["utf-16-be" if dados[:1000:2].count(0) > dados[1:1000:2].count(0) else "utf-16-le"]
    else:
        codificacoes = ["utf-8-sig", "cp1252"]
    for codificacao in codificacoes:
        try:
            texto = dados.decode(codificacao)
        except UnicodeDecodeError:
            continue
        # Qualquer byte é alguma letra em cp1252: só a aceitamos se quase todas são as que o português usa.
        estranhos = [c for c in texto if c > "\x7f" and c not in ESPERADOS]
        if codificacao != "cp1252" or len(estranhos) * 20 <= sum(c > "\x7f" for c in texto):
            return texto.replace("\r\n", "\n").replace("\r", "\n")
    return None


def de_arquivo(caminho):
    """O texto de um arquivo seu, seja qual for a codificação em que ele foi salvo."""
    caminho = Path(caminho)
    try:
        return decodificar(caminho.read_bytes())
    except TextoInvalido as erro:
        raise TextoInvalido(f"{caminho.name} {erro}") from None
    except FileNotFoundError:
        raise FileNotFoundError(f"não achei {caminho}; a busca partiu de {Path.cwd()}.") from None
    except OSError as erro:
        raise TextoInvalido(f"não consegui ler {caminho} ({erro.strerror}); é um arquivo, e você pode abri-lo?") from erro
