"""Historinhas: um corpus cuja entropia é um número exato, e um leitor que diz se um texto pertence a ele.

As histórias saem da gramática em `historinhas.toml`. Cada escolha é um sorteio uniforme, então a
probabilidade de cada história é conhecida e a melhor perda possível de um modelo também (`limite`).
"""

import hashlib
import math
import random
from functools import cache, cached_property

from gptmini.texto import as_int, as_real

from . import leitura
from .gramatica import ARQUIVO, ENREDO, GramaticaLida
from .leitura import Boletim, Historinha, HistorinhaInvalida
from .toml import GramaticaInvalida, curto

__all__ = ["ARQUIVO", "ENREDO", "Boletim", "Gramatica", "GramaticaInvalida", "Historinha", "HistorinhaInvalida",
           "analisar", "boletim", "excesso", "limite", "padrao", "sortear"]

MAX_SORTEIO = 1_000_000                          # o que cabe na memória


class Gramatica(GramaticaLida):
    """A gramática do curso, ou a da turma: `nomes` e `palavras` trocam as listas do arquivo.

    nomes: {"f": ["Bia", ...], "m": ["Noah", ...]}: de quem são as histórias, no gênero gramatical que cada pessoa escolhe.
    Quem entra nelas («amigo», em `palavras`) vem do arquivo, sem os nomes que a turma já tem.
    palavras: {"brinquedo": {"m": [...], "f": [...]}, ...}: categorias do arquivo, com "mp" e "fp" para plurais.
    arquivo: outro arquivo TOML, no formato de `historinhas.toml`.
    """

    def __init__(self, nomes=None, palavras=None, arquivo=ARQUIVO):
        super().__init__(nomes, palavras, arquivo)
        self._exige_concordancia()

    def _exige_concordancia(self):
        """As frases fixas também concordam: «o árvore» é recusado aqui, com a frase."""
        sorteio = random.Random(0)
        for enredo in self.enredos:
            caminhos = list(enredo.caminhos.values())
            for caminho in caminhos * -(-64 // len(caminhos)):
                valores = self._preencher(caminho, sorteio)
                tokens = [p.palavra(valores.get(p.lacuna), valores.get(p.adjetivo)) for p in caminho.pecas]
                for i, certo, porque in leitura.concordam(self, tokens):
                    if not certo:
                        frase = next(f for f in caminho.frases if caminho.pecas[i] in f.pecas)
                        dica = "" if certo is False else "; o substantivo está em [substantivos]?"
                        onde = f"enredo «{enredo.nome}», frase «{frase.texto}», palavra «{tokens[i]}»"
                        raise GramaticaInvalida(f"{onde}: {porque}{dica}")

    def sortear(self, n, semente=0):
        """n historinhas diferentes entre si; a mesma semente dá as mesmas."""
        cabem = min(self.historias, MAX_SORTEIO)
        porque = ", que é o que cabe na memória" if cabem < self.historias else ", que é quantas histórias diferentes existem"
        n, semente = as_int("n", n, 1, cabem, otherwise=porque), as_int("semente", semente, 0)
        sorteio, vistas = random.Random(semente), {}
        while len(vistas) < n:
            enredo = sorteio.choice(self.enredos)
            caminho = enredo.caminhos[tuple([sorteio.randrange(len(passo)) for passo in enredo.passos])]
            valores = self._preencher(caminho, sorteio)
            molde, pecas = caminho.molde
            texto = molde % tuple([p.palavra(valores[p.lacuna], valores.get(p.adjetivo)) for p in pecas])
            if texto not in vistas:
                vistas[texto] = Historinha(texto, -caminho.nats, enredo.nome, {k: v.palavra for k, v in valores.items()})
        return list(vistas.values())

    def _preencher(self, caminho, sorteio):
        """Sorteia um valor para cada lacuna do caminho, sem repetir dentro da categoria."""
        valores = {}
        for lacuna in caminho.lacunas:
            valores[lacuna] = sorteio.choice(self.livres(caminho.enredo, lacuna, valores))
        return valores

    def limite(self):
        """A melhor perda possível: E[-ln p(história)] / E[tokens, com o `<fim>`], em nats por token. Exata."""
        nats = tokens = 0.0
        for enredo in self.enredos:
            caminhos = enredo.caminhos.values()
            nats += sum(c.nats for c in caminhos) / len(caminhos)
            tokens += sum(len(c.pecas) + 1 for c in caminhos) / len(caminhos)
        return nats / tokens

    @cached_property
    def historias(self):
        """Quantas histórias diferentes existem."""
        return sum(c.historias for e in self.enredos for c in e.caminhos.values())

    def resumo(self):
        """Por enredo: quantas histórias diferentes, a mais provável delas, e os tokens da menor e da maior."""
        linhas = {}
        for enredo in self.enredos:
            caminhos = enredo.caminhos.values()
            linhas[enredo.nome] = {"historias": sum(c.historias for c in caminhos),
                                   "p_maxima": math.exp(-min(c.nats for c in caminhos)),
                                   "menor": min(len(c.pecas) for c in caminhos),
                                   "maior": max(len(c.pecas) for c in caminhos)}
        return linhas

    @property
    def assinatura(self):
        """Identifica a gramática: muda quando muda o arquivo ou uma das listas."""
        return hashlib.sha256(repr((self.fonte, self.categorias)).encode()).hexdigest()[:16]

    analisar = leitura.analisar
    concordancias = leitura.concordancias
    boletim = leitura.boletim


# -- a gramática do curso, sem precisar criar nada -----------------------------------------------------

@cache
def padrao():
    """A gramática do curso, lida uma vez."""
    return Gramatica()


def sortear(n, semente=0):
    return padrao().sortear(n, semente)


def analisar(texto):
    return padrao().analisar(texto)


def limite():
    return padrao().limite()


def boletim(textos, treino=None):
    return padrao().boletim(textos, treino)


def excesso(model, tokenizer, historinhas):
    """Quanto a perda do modelo passa da perda da própria gramática, nas MESMAS histórias: nats por token."""
    from gptmini.treino import evaluate

    if "WordTokenizer" not in [classe.__name__ for classe in type(tokenizer).__mro__]:      # pode ser o que você escreveu no notebook
        raise TypeError(f"tokenizer veio {type(tokenizer).__name__}; esperava um WordTokenizer.")
    vocab_size = getattr(getattr(model, "config", None), "vocab_size", tokenizer.vocab_size)
    if vocab_size != tokenizer.vocab_size:
        raise ValueError(f"o modelo tem {curto(vocab_size)} tokens e o tokenizador, {tokenizer.vocab_size}; use o que o treinou.")
    if not isinstance(historinhas, (list, tuple)):
        raise TypeError(f"historinhas veio {type(historinhas).__name__}; passe a lista que `sortear` devolve.")
    for i, h in enumerate(historinhas):
        if not isinstance(h, Historinha) or not isinstance(h.texto, str) or not -math.inf < as_real(h.log_prob) <= 0:
            raise TypeError(f"a historinha {i} veio {curto(h)}; excesso compara com a probabilidade de cada história: "
                            "passe o que `sortear` devolve.")
    if not historinhas:
        raise ValueError("recebi zero historinhas; passe ao menos uma.")
    exemplos = [[tokenizer.fim, *tokenizer.encode(h.texto), tokenizer.fim] for h in historinhas]
    tokens = sum(len(e) - 1 for e in exemplos)
    return evaluate(model, exemplos) + sum(h.log_prob for h in historinhas) / tokens
