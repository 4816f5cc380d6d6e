"""Texto e ids, bigrama e perda: respostas certas e erradas."""

import math
import re
import unicodedata
from collections import Counter, defaultdict

import torch

from apoio.confere.licoes.texto import _chance_do_par, _codificar, _contar, _contar_trios, _perda_media
from gptmini import CharTokenizer, WordTokenizer
from respostas import certa, errada, imita

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

# -- codificar --------------------------------------------------------------------------------------------

@certa("codificar")
def codificar_com_dicionario(tokens, vocabulario):
    id_de = {}
    for lugar, token in enumerate(vocabulario):
        id_de[token] = lugar
    return [id_de[token] for token in tokens]


@certa("codificar")
def codificar_com_index(tokens, vocabulario):
    ids = []
    for token in tokens:
        ids.append(vocabulario.index(token))
    return ids


@errada("codificar", "uma unidade maior", "é o 0")
def codificar_contando_de_um(tokens, vocabulario):
    id_de = {token: lugar for lugar, token in enumerate(vocabulario, start=1)}
    return [id_de[token] for token in tokens]


@errada("codificar", "uma unidade menor", "`<fim>` também ocupa")
def codificar_sem_fim(tokens, vocabulario):
    id_de = {token: lugar for lugar, token in enumerate(vocabulario[1:])}
    return [id_de[token] for token in tokens]


@errada("codificar", "noutra ordem")
def codificar_com_o_vocabulario_ordenado(tokens, vocabulario):
    return [sorted(vocabulario).index(token) for token in tokens]


@errada("codificar", "só desta frase")
def codificar_so_com_a_frase(tokens, vocabulario):
    meu = ["<fim>"] + sorted(set(tokens))
    return [meu.index(token) for token in tokens]


@errada("codificar", "lugares na frase")
def codificar_pelo_lugar_na_frase(tokens, vocabulario):
    return [lugar for lugar, token in enumerate(tokens)]


@errada("codificar", "um id para cada token")
def codificar_sem_repetir(tokens, vocabulario):
    ids = []
    for token in tokens:
        if vocabulario.index(token) not in ids:
            ids.append(vocabulario.index(token))
    return ids


@errada("codificar", "ordem crescente")
def codificar_em_ordem(tokens, vocabulario):
    return sorted(vocabulario.index(token) for token in tokens)


@errada("codificar", "lista de str", "lista de inteiros")
def codificar_devolve_palavras(tokens, vocabulario):
    return [token for token in tokens if token in vocabulario]


@errada("codificar", "lista de inteiros")
def codificar_devolve_o_dicionario(tokens, vocabulario):
    return {token: vocabulario.index(token) for token in tokens}


@errada("codificar", "os ids vieram")
def codificar_pelo_tamanho(tokens, vocabulario):
    return [len(token) for token in tokens]


imita("codificar")(lambda **a: lambda tokens, vocabulario: _codificar(tokens, vocabulario, **a))


# -- contar -----------------------------------------------------------------------------------------------

def _entre_fins(tokens):
    return ["<fim>"] + tokens + ["<fim>"]


@certa("contar")
def contar_com_get(historias):
    depois = {}
    for tokens in historias:
        tokens = _entre_fins(tokens)
        for atual, proxima in zip(tokens, tokens[1:]):
            if atual not in depois:
                depois[atual] = {}
            depois[atual][proxima] = depois[atual].get(proxima, 0) + 1
    return depois


@certa("contar")
def contar_com_counter(historias):
    depois = defaultdict(Counter)
    for tokens in historias:
        tokens = _entre_fins(tokens)
        for i in range(len(tokens) - 1):
            depois[tokens[i]][tokens[i + 1]] += 1
    return depois


def _conta_pares(filas):
    depois = {}
    for tokens in filas:
        for atual, proxima in zip(tokens, tokens[1:]):
            depois.setdefault(atual, Counter())[proxima] += 1
    return depois


@errada("contar", "sai do `<fim>`")
def contar_sem_o_fim_da_frente(historias):
    return _conta_pares([tokens + ["<fim>"] for tokens in historias])


@errada("contar", "chega ao `<fim>`")
def contar_sem_o_fim_de_tras(historias):
    return _conta_pares([["<fim>"] + tokens for tokens in historias])


@errada("contar", "chega ao `<fim>`")
def contar_perdendo_o_ultimo_par(historias):
    depois = {}
    for tokens in historias:
        tokens = _entre_fins(tokens)
        for i in range(len(tokens) - 2):
            depois.setdefault(tokens[i], Counter())[tokens[i + 1]] += 1
    return depois


@errada("contar", "os dois `<fim>`")
def contar_sem_fim_nenhum(historias):
    return _conta_pares(historias)


@errada("contar", "atravessou")
def contar_emendando_tudo(historias):
    return _conta_pares([[token for tokens in historias for token in tokens]])


@errada("contar", "atravessou")
def contar_emendando_com_fim(historias):
    return _conta_pares([[token for tokens in historias for token in _entre_fins(tokens)]])


@errada("contar", "ao contrário")
def contar_ao_contrario(historias):
    return _conta_pares([_entre_fins(tokens)[::-1] for tokens in historias])


@errada("contar", "Toda contagem é 1")
def contar_sem_somar(historias):
    return {atual: dict.fromkeys(seguintes, 1) for atual, seguintes in contar_com_get(historias).items()}


@errada("contar", "Só a última história")
def contar_recomecando(historias):
    for tokens in historias:
        depois = _conta_pares([_entre_fins(tokens)])
    return depois


@errada("contar", "vizinho de si mesmo")
def contar_consigo(historias):
    depois = {}
    for tokens in historias:
        tokens = _entre_fins(tokens)
        for atual, proxima in zip(tokens, tokens):
            depois.setdefault(atual, Counter())[proxima] += 1
    return depois


@errada("contar", "pulam uma palavra")
def contar_pulando(historias):
    depois = {}
    for tokens in historias:
        tokens = _entre_fins(tokens)
        for atual, proxima in zip(tokens, tokens[2:]):
            depois.setdefault(atual, Counter())[proxima] += 1
    return depois


@errada("contar", "outro dicionário")
def contar_pares_soltos(historias):
    pares = Counter()
    for tokens in historias:
        pares.update(zip(_entre_fins(tokens), _entre_fins(tokens)[1:]))
    return pares


@errada("contar", "outro dicionário")
def contar_em_listas(historias):
    return {atual: list(seguintes.elements()) for atual, seguintes in _conta_pares(map(_entre_fins, historias)).items()}


@errada("contar", "mudou as próprias histórias")
def contar_mudando(historias):
    for tokens in historias:
        tokens.insert(0, "<fim>")
        tokens.append("<fim>")
    return _conta_pares(historias)


@errada("contar", "esperava um dicionário")
def contar_devolve_lista(historias):
    return [list(zip(tokens, tokens[1:])) for tokens in historias]


imita("contar")(lambda **a: lambda historias: _contar(historias, **a))


# -- chance_do_par ----------------------------------------------------------------------------------------

@certa("chance_do_par")
def chance_com_pitada(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / (sum(contagem.values()) + 0.01 * V)


@certa("chance_do_par")
def chance_em_partes(contagem, proxima, V):
    total = 0
    for palavra in contagem:
        total = total + contagem[palavra]
    vezes = contagem.get(proxima, 0)
    return vezes / (total + V / 100) + 1 / (100 * total + V)


@errada("chance_do_par", "Faltou somar a pitada")
def chance_sem_pitada(contagem, proxima, V):
    return contagem[proxima] / sum(contagem.values())


@errada("chance_do_par", "em cima e não embaixo")
def chance_so_em_cima(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / sum(contagem.values())


@errada("chance_do_par", "uma pitada só")
def chance_uma_pitada(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / (sum(contagem.values()) + 0.01)


@errada("chance_do_par", "V inteiro")
def chance_v_inteiro(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / (sum(contagem.values()) + V)


@errada("chance_do_par", "pitada foi de 1")
def chance_somando_um(contagem, proxima, V):
    return (contagem[proxima] + 1) / (sum(contagem.values()) + V)


@errada("chance_do_par", "só para as palavras que apareceram")
def chance_so_as_vistas(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / (sum(contagem.values()) + 0.01 * len(contagem))


@errada("chance_do_par", "quantas palavras diferentes")
def chance_pelas_diferentes(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / (len(contagem) + 0.01 * V)


@errada("chance_do_par", "embaixo e não em cima")
def chance_so_embaixo(contagem, proxima, V):
    return contagem[proxima] / (sum(contagem.values()) + 0.01 * V)


@errada("chance_do_par", "só entrou nas palavras nunca vistas")
def chance_com_se(contagem, proxima, V):
    vezes = contagem[proxima] if proxima in contagem else 0.01
    return vezes / (sum(contagem.values()) + 0.01 * V)


@errada("chance_do_par", "porcentagem")
def chance_por_cento(contagem, proxima, V):
    return 100 * chance_com_pitada(contagem, proxima, V)


@errada("chance_do_par", "esperava um número")
def chance_devolve_tudo(contagem, proxima, V):
    return {palavra: chance_com_pitada(contagem, palavra, V) for palavra in contagem}


@errada("chance_do_par", "a chance veio")
def chance_sem_total(contagem, proxima, V):
    return (contagem[proxima] + 0.01) / V


imita("chance_do_par")(lambda **a: lambda contagem, proxima, V: _chance_do_par(contagem, proxima, V, **a))


# -- perda_media ------------------------------------------------------------------------------------------

@certa("perda_media")
def perda_com_lista(historias):
    surpresas = []
    for chances in historias:
        for chance in chances:
            surpresas.append(-math.log(chance))
    return sum(surpresas) / len(surpresas)


@certa("perda_media")
def perda_pelo_produto(historias):
    produto, quantas = 1, 0
    for chances in historias:
        for chance in chances:
            produto, quantas = produto * chance, quantas + 1
    return math.log(1 / produto) / quantas


def _todas(historias):
    return [chance for chances in historias for chance in chances]


@errada("perda_media", "O logaritmo veio depois da média")
def perda_log_da_media(historias):
    todas = []
    for chances in historias:
        todas = todas + chances
    return -math.log(sum(todas) / len(todas))


@errada("perda_media", "Faltou o menos")
def perda_sem_menos(historias):
    return -perda_com_lista(historias)


@errada("perda_media", "base 2")
def perda_em_bits(historias):
    return sum(-math.log2(p) for p in _todas(historias)) / len(_todas(historias))


@errada("perda_media", "base 10")
def perda_na_base_dez(historias):
    return sum(-math.log10(p) for p in _todas(historias)) / len(_todas(historias))


@errada("perda_media", "soma das surpresas")
def perda_somada(historias):
    return sum(-math.log(p) for p in _todas(historias))


@errada("perda_media", "número de histórias")
def perda_por_historia(historias):
    return perda_somada(historias) / len(historias)


@errada("perda_media", "média das médias")
def perda_media_das_medias(historias):
    return sum(perda_com_lista([chances]) for chances in historias) / len(historias)


@errada("perda_media", "uma a menos")
def perda_dividida_por_uma_a_menos(historias):
    return perda_somada(historias) / (len(_todas(historias)) - 1)


@errada("perda_media", "1 − chance")
def perda_um_menos(historias):
    return sum(1 - p for p in _todas(historias)) / len(_todas(historias))


@errada("perda_media", "esperava um número")
def perda_devolve_lista(historias):
    return [-math.log(p) for p in _todas(historias)]


@errada("perda_media", "a perda veio")
def perda_da_pior(historias):
    return max(-math.log(p) for p in _todas(historias))


imita("perda_media")(lambda **a: lambda historias: _perda_media(historias, **a))


# -- contar_trios -----------------------------------------------------------------------------------------

@certa("contar_trios")
def trios_com_zip(historias):
    depois = {}
    for tokens in historias:
        tokens = ["<fim>", "<fim>"] + tokens + ["<fim>"]
        for antes, atual, proxima in zip(tokens, tokens[1:], tokens[2:]):
            if (antes, atual) not in depois:
                depois[(antes, atual)] = Counter()
            depois[(antes, atual)][proxima] += 1
    return depois


@certa("contar_trios")
def trios_andando(historias):
    depois = {}
    for tokens in historias:
        antes, atual = "<fim>", "<fim>"
        for proxima in tokens + ["<fim>"]:
            contagem = depois.setdefault((antes, atual), {})
            contagem[proxima] = contagem.get(proxima, 0) + 1
            antes, atual = atual, proxima
    return depois


def _conta_trios(filas, chave=lambda a, b: (a, b)):
    depois = {}
    for tokens in filas:
        for a, b, c in zip(tokens, tokens[1:], tokens[2:]):
            depois.setdefault(chave(a, b), Counter())[c] += 1
    return depois


def _com_dois(tokens):
    return ["<fim>", "<fim>"] + tokens + ["<fim>"]


@errada("contar_trios", "com um só")
def trios_com_um_fim(historias):
    return _conta_trios(map(_entre_fins, historias))


@errada("contar_trios", "dois `<fim>` da frente")
def trios_sem_comeco(historias):
    return _conta_trios([tokens + ["<fim>"] for tokens in historias])


@errada("contar_trios", "chega ao `<fim>`")
def trios_sem_fim(historias):
    return _conta_trios([["<fim>", "<fim>"] + tokens for tokens in historias])


@errada("contar_trios", "a mais atrás")
def trios_com_dois_no_fim(historias):
    return _conta_trios([["<fim>", "<fim>"] + tokens + ["<fim>", "<fim>"] for tokens in historias])


@errada("contar_trios", "atravessou")
def trios_emendados(historias):
    return _conta_trios([[token for tokens in historias for token in _entre_fins(tokens)]])


@errada("contar_trios", "ao contrário")
def trios_de_chave_invertida(historias):
    return _conta_trios(map(_com_dois, historias), lambda a, b: (b, a))


@errada("contar_trios", "não é um par")
def trios_que_sao_pares(historias):
    return contar_com_get(historias)


@errada("contar_trios", "não é um par")
def trios_de_chave_colada(historias):
    return _conta_trios(map(_com_dois, historias), lambda a, b: a + " " + b)


@errada("contar_trios", "um dicionário de contagens")
def trios_de_tres_andares(historias):
    depois = {}
    for (a, b), seguintes in trios_com_zip(historias).items():
        depois.setdefault(a, {})[b] = seguintes
    return depois


@errada("contar_trios", "Toda contagem é 1")
def trios_sem_somar(historias):
    return {par: dict.fromkeys(seguintes, 1) for par, seguintes in trios_com_zip(historias).items()}


@errada("contar_trios", "Só a última história")
def trios_recomecando(historias):
    return _conta_trios([_com_dois(historias[-1])])


@errada("contar_trios", "mudou as próprias histórias")
def trios_mudando(historias):
    for tokens in historias:
        tokens[:] = _com_dois(tokens)
    return _conta_trios(historias)


@errada("contar_trios", "esperava um dicionário")
def trios_em_lista(historias):
    return [list(zip(tokens, tokens[1:], tokens[2:])) for tokens in historias]


imita("contar_trios")(lambda **a: lambda historias: _contar_trios(historias, **a))
