"""Texto e ids: respostas certas e erradas."""

import re
import unicodedata

import torch

from gptmini import CharTokenizer, WordTokenizer
from respostas import certa, errada

# -- tokenizador ------------------------------------------------------------------------------------------

CORTE = r"\w+(?:-\w+)*|\n|[^\w\s]"


def juntar(tokens):
    return re.sub(r" (?=[,.!?:;])| ?\n ?", lambda m: m[0].strip(" "), " ".join(tokens))


certa("tokenizador")(WordTokenizer)
certa("tokenizador")(CharTokenizer)


@certa("tokenizador")
class TokenizadorPorDicionario:
    """Guarda os espaços como tokens, e os ids na ordem em que as palavras aparecem."""

    def __init__(self, texts):
        self.id = {}
        for texto in texts:
            for pedaco in re.findall(r"\w+|\W", texto):
                self.id.setdefault(pedaco, len(self.id))
        self.palavra = list(self.id)

    def encode(self, texto):
        return [self.id[pedaco] for pedaco in re.findall(r"\w+|\W", texto)]

    def decode(self, ids):
        return "".join(self.palavra[i] for i in ids)


class Tokenizador:
    """O molde das erradas: cada uma troca um pedaço."""

    def __init__(self, texts):
        self.vocab = sorted({token for texto in texts for token in self.cortar(texto)})
        self.id = {token: i for i, token in enumerate(self.vocab)}

    def cortar(self, texto):
        return re.findall(CORTE, texto)

    def encode(self, texto):
        return [self.id[token] for token in self.cortar(texto)]

    def decode(self, ids):
        return juntar([self.vocab[i] for i in ids])


@errada("tokenizador", "espaço antes da pontuação")
class JuntaComEspaco(Tokenizador):
    def decode(self, ids):
        return re.sub(r" ?\n ?", "\n", " ".join(self.vocab[i] for i in ids))


@errada("tokenizador", "pontuação", "colada à palavra")
class CortaNosEspacos(Tokenizador):
    def cortar(self, texto):
        return texto.split(" ")

    def decode(self, ids):
        return " ".join(self.vocab[i] for i in ids)


@errada("tokenizador", "maiúsculas se perderam")
class TudoMinusculo(Tokenizador):
    def cortar(self, texto):
        return re.findall(CORTE, texto.lower())


@errada("tokenizador", "quebra de linha")
class PerdeALinha(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+(?:-\w+)*|[^\w\s]", texto)


@errada("tokenizador", "palavra desconhecida passou em silêncio")
class DesconhecidaVira0(Tokenizador):
    def encode(self, texto):
        return [self.id.get(token, 0) for token in self.cortar(texto)]


@errada("tokenizador", "palavra desconhecida passou em silêncio")
class DesconhecidaSome(Tokenizador):
    def encode(self, texto):
        return [self.id[token] for token in self.cortar(texto) if token in self.id]


@errada("tokenizador", "lista de str", "lista de inteiros")
class DevolvePalavras(Tokenizador):
    def encode(self, texto):
        return self.cortar(texto)


@errada("tokenizador", "tensor", "lista de inteiros")
class DevolveTensor(Tokenizador):
    def encode(self, texto):
        return torch.tensor(super().encode(texto))


@errada("tokenizador", "`decode` devolveu uma lista", "texto (str)")
class DecodeDevolveLista(Tokenizador):
    def decode(self, ids):
        return [self.vocab[i] for i in ids]


@errada("tokenizador", "pontuação se perdeu")
class SemPontuacao(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+(?:-\w+)*|\n", texto)


@errada("tokenizador", "espaços não voltaram")
class PartePeloHifen(Tokenizador):
    def cortar(self, texto):
        return re.findall(r"\w+|\n|[^\w\s]", texto)


@errada("tokenizador", "segundo tokenizador estragou o primeiro")
class VocabularioDaClasse(Tokenizador):
    def __init__(self, texts):
        super().__init__(texts)
        type(self).vocab, type(self).id = self.__dict__.pop("vocab"), self.__dict__.pop("id")


@errada("tokenizador", "faltam pedaços")
class SemRepeticao(Tokenizador):
    def encode(self, texto):
        return [self.id[token] for token in dict.fromkeys(self.cortar(texto))]


# -- o que uma aluna novata escreveu, a frio --------------------------------------------------------------

class TokenizadorCalado(Tokenizador):
    """O molde: diante da palavra desconhecida, faz outra coisa em vez de levantar um erro."""

    def encode(self, texto):
        tokens = self.cortar(texto)
        return self.desconhecida(tokens) if set(tokens) - set(self.id) else [self.id[t] for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorComNenhum(TokenizadorCalado):
    def desconhecida(self, tokens):
        return [self.id.get(t) for t in tokens]


@errada("tokenizador", "não levantou um erro")
class TokenizadorQueAvisa(TokenizadorCalado):
    def desconhecida(self, tokens):
        print("palavra desconhecida")


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueDevolveErro(TokenizadorCalado):
    def desconhecida(self, tokens):
        return "erro"


@errada("tokenizador", "passou em silêncio", "`encode` fez")
class TokenizadorQueDaOutroId(TokenizadorCalado):
    def desconhecida(self, tokens):
        return [self.id.get(t, len(self.id)) for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueAprende(TokenizadorCalado):
    def desconhecida(self, tokens):
        for t in tokens:
            if t not in self.id:
                self.id[t] = len(self.vocab)
                self.vocab.append(t)
        return [self.id[t] for t in tokens]


@errada("tokenizador", "passou em silêncio")
class TokenizadorUnicode:
    def __init__(self, texts):
        pass

    def encode(self, texto):
        return [ord(c) for c in texto]

    def decode(self, ids):
        return "".join(map(chr, ids))


# -- o que só se vê com mais de um caso por parâmetro -----------------------------------------------------

@errada("tokenizador", "só da primeira vez")
class TokenizadorQueDecora(Tokenizador):
    def encode(self, texto):
        self.ultimo = texto
        return super().encode(texto)

    def decode(self, ids):
        return self.ultimo


@errada("tokenizador", "só da primeira vez")
class TokenizadorComCaderno(Tokenizador):
    caderno = {}

    def encode(self, texto):
        ids = super().encode(texto)
        self.caderno[tuple(ids)] = texto
        return ids

    def decode(self, ids):
        return self.caderno.get(tuple(ids), "")


@errada("tokenizador", "passou em silêncio", "Zigurate")
class TokenizadorQueSoOlhaOFim(Tokenizador):
    def encode(self, texto):
        tokens = self.cortar(texto)
        if set(tokens[1:]) - set(self.id) or len(tokens) == 1 and tokens[0] not in self.id:
            raise KeyError(tokens)
        return [self.id.get(token, 0) for token in tokens]


@errada("tokenizador", "não dá o mesmo texto", "Ate o avo")
class TokenizadorSemAcento(Tokenizador):
    def cortar(self, texto):
        return re.findall(CORTE, "".join(c for c in unicodedata.normalize("NFD", texto) if not unicodedata.combining(c)))


@errada("tokenizador", "passou em silêncio")
class TokenizadorQueEnfeitaOVazio(Tokenizador):
    def encode(self, texto):
        return super().encode(texto) or [0]
