"""A leitura: um texto volta à derivação que o fez, ou ouve por que não; e uma pilha de textos ganha um boletim.

Lê-se em dois tempos. Primeiro o caminho: que frases o texto segue, olhando só as palavras que cada peça pode escrever
(a gramática garante que não há duas). Depois a memória: percorre-se o caminho lembrando o que cada lacuna já disse.
"""

import itertools
from collections import Counter
from dataclasses import dataclass, field

from apoio.numeros import porcento
from gptmini.texto import WordTokenizer

from .gramatica import REGRAS
from .toml import aspas, ou, texto_nfc

PESSOAS = ("masculino singular", "feminino singular", "masculino plural", "feminino plural")
CONTRACOES = {"no": "em", "num": "em", "do": "de", "ao": "a", "pelo": "por"}


class HistorinhaInvalida(ValueError):
    """O texto não é uma historinha: `motivo` diz por quê; `posicao`, em que token (contando do zero)."""

    def __init__(self, motivo, posicao):
        self.motivo, self.posicao = motivo, posicao
        super().__init__(f"{motivo} (token {posicao})")


@dataclass(frozen=True)
class Historinha:
    """Um texto e ln p(texto), em nats; `enredo` e `lacunas` dizem como ele nasceu."""

    texto: str
    log_prob: float
    enredo: str = ""
    lacunas: dict = field(default_factory=dict, compare=False)


@dataclass(frozen=True)
class Boletim:
    """Frações de 0 a 1. O que não se pôde julgar conta como errado e aparece à parte, em `sem_juizo`."""

    historias: int
    notas: dict
    sem_juizo: dict
    casos: dict

    def __getitem__(self, linha):
        return self.notas[linha]

    def __str__(self):
        linhas = [f"boletim de {self.historias} histórias"]
        for nome in sorted(self.notas, key=lambda n: (n.startswith("mantém"), n)):
            parte = f"  (sem juízo: {porcento(self.sem_juizo[nome], 1)})" if self.sem_juizo[nome] else ""
            linhas.append(f"  {nome:<17}{porcento(self.notas[nome], 1):>7}{parte}")
        return "\n".join(linhas)


def _tokens(texto):
    if not isinstance(texto, str):
        raise TypeError(f"esperava um texto (str); veio {type(texto).__name__}.")
    return WordTokenizer.split(texto_nfc(texto))


def _fila(coisas, nome):
    """Uma fila de textos, ou de historinhas -> lista de textos; um texto só, ou o que não é fila, é recusado."""
    if isinstance(coisas, (str, Historinha)):
        raise TypeError(f"em {nome} recebi um texto só; passe uma lista de textos: [texto].")
    if isinstance(coisas, (bytes, dict)) or not hasattr(coisas, "__iter__") or getattr(coisas, "ndim", 1) == 0:
        raise TypeError(f"{nome} veio como {type(coisas).__name__}; passe uma lista de textos.")
    textos = [coisa.texto if isinstance(coisa, Historinha) else coisa for coisa in coisas]
    for i, texto in enumerate(textos):
        if not isinstance(texto, str):
            raise TypeError(f"{nome}, no lugar {i}, veio {type(texto).__name__}; esperava um texto ou uma historinha.")
    return [texto_nfc(texto) for texto in textos]


# -- ler ----------------------------------------------------------------------------------------------

def analisar(gramatica, texto):
    """Texto -> a `Historinha` com a probabilidade de sua única derivação, ou `HistorinhaInvalida`."""
    tokens = _tokens(texto)
    if not tokens:
        raise HistorinhaInvalida("o texto está vazio", 0)
    caminhos, seguidas = _segue(gramatica, tokens)
    memorias = [Memoria(gramatica, caminho, tokens[:seguidas]) for caminho in caminhos]
    lidos = max(memoria.lidos for memoria in memorias)
    paradas = [memoria for memoria in memorias if memoria.lidos == lidos and memoria.parou]
    token, seguinte = [*tokens[lidos : lidos + 2], "", ""][:2]
    if paradas:
        raise HistorinhaInvalida(_motivo(paradas, token, seguinte), lidos)
    if token:
        raise HistorinhaInvalida(f"a história já tinha acabado, e veio {aspas(token)}", lidos)
    caminho, valores = caminhos[0], memorias[0].valores
    return Historinha(WordTokenizer.join(tokens), -caminho.nats, caminho.enredo.nome, {k: valores[k][0].palavra for k in caminho.lacunas})


def _segue(gramatica, tokens):
    """(os caminhos que o texto segue até mais longe, quantas peças deles). Lida uma frase inteira, o caminho é um só."""
    caminhos, lidas = gramatica.aberturas, 0
    for passo in itertools.count():
        resto = tokens[lidas:]
        ate = [lidas + _casam(caminho.pecas[lidas : caminho.fins[passo]], resto) for caminho in caminhos]
        lidas = max(ate)
        caminhos = [caminho for caminho, este in zip(caminhos, ate, strict=True) if este == lidas]
        if lidas < caminhos[0].fins[passo] or lidas == len(caminhos[0].pecas):
            return caminhos, lidas
        caminhos = caminhos[0].vizinhos(passo + 1)


def _casam(pecas, tokens):
    """Quantas peças, da primeira em diante, podem escrever os tokens."""
    n = 0
    for peca, token in zip(pecas, tokens, strict=False):
        if token not in peca.possiveis:
            break
        n += 1
    return n


class Memoria:
    """O que o texto já disse ao longo de um caminho: para cada lacuna, os `valores` que ainda explicam o que se leu.

    `lidos` diz quantos tokens couberam; `parou`, a peça em que o texto se contradiz ou sai do caminho (None: em nenhuma).
    """

    def __init__(self, gramatica, caminho, tokens):
        self.gramatica, self.enredo, self.valores = gramatica, caminho.enredo, {}
        self.lidos = next((i for i, (peca, token) in enumerate(zip(caminho.pecas, tokens, strict=False))
                           if not (peca.texto or self._lembra(peca, token))), len(tokens))
        self.parou = caminho.pecas[self.lidos] if self.lidos < len(caminho.pecas) else None

    def _lembra(self, peca, token):
        """Guarda só os valores que ainda explicam o token; falso se nenhum explica."""
        pares = [par for par in self._pares(peca) if peca.palavra(*par) == token]
        if pares:
            self.valores[peca.lacuna] = list(dict.fromkeys(valor for valor, _ in pares))
        if pares and peca.adjetivo:
            self.valores[peca.adjetivo] = list(dict.fromkeys(adjetivo for _, adjetivo in pares))
        return bool(pares)

    def _pares(self, peca):
        """As escolhas ainda possíveis para a lacuna da peça e para a do seu adjetivo (None se não tem)."""
        return itertools.product(self.candidatos(peca.lacuna), self.candidatos(peca.adjetivo) if peca.adjetivo else [None])

    def candidatos(self, lacuna):
        """Os valores que a lacuna ainda pode ter: os já lembrados, menos os que o texto deu a outra."""
        lembrados = self.valores.get(lacuna)
        if lembrados and len(lembrados) == 1:
            return lembrados
        livres = self.gramatica.livres(self.enredo, lacuna, {k: v[0] for k, v in self.valores.items() if k != lacuna and len(v) == 1})
        return [v for v in lembrados if v in livres] if lembrados else livres

    @property
    def esperadas(self):
        """O que caberia na peça em que parou."""
        return sorted({self.parou.palavra(*par) for par in self._pares(self.parou)}) if self.parou.lacuna else [self.parou.texto]


# -- dizer por que não --------------------------------------------------------------------------------

def _motivo(paradas, token, seguinte):
    """`paradas`: as memórias do que o texto mais parece seguir; `token` não coube em nenhuma ("": o texto acabou)."""
    todas = list(dict.fromkeys(palavra for memoria in paradas for palavra in memoria.esperadas))
    if not token:
        return f"a história acabou antes da hora: esperava {ou(todas)}"
    if not paradas[0].lidos:
        return f"nenhuma história começa com {aspas(token)}: esperava {ou(todas)}"
    if token.lower() not in map(str.lower, todas):
        for memoria in paradas:
            if motivo := _erro_com_nome(memoria, token, seguinte):
                return motivo
    return f"esperava {ou(todas)}, veio {aspas(token)}"


def _erro_com_nome(memoria, token, seguinte):
    """O motivo, se o erro tem um nome: troca, gênero, número, contração."""
    gramatica, peca, esperadas = memoria.gramatica, memoria.parou, memoria.esperadas
    if peca.escreve:
        candidatos = memoria.candidatos(peca.escreve)
        categoria = memoria.enredo.lacunas[peca.escreve]
        for valor in gramatica.categorias[categoria]:
            if token not in (valor.formas or (valor.palavra,)) or valor in candidatos:
                continue
            if peca.escreve in memoria.valores and len(candidatos) == 1:
                return f"troca de {gramatica.tipos[categoria]}: a história falava de «{esperadas[0]}», veio «{token}»"
            indices = {c.indice for c in candidatos}
            if valor.indice not in indices:
                return _discorda(token, [valor.indice], indices)
            return f"«{token}» já tem outro papel nesta história"
    lemas = gramatica.concorda.items()
    if peca.adjetivo:
        lemas = [(peca.adjetivo, a.formas) for a in memoria.candidatos(peca.adjetivo)]
    minusculas = {e.lower() for e in esperadas}
    for lema, formas in lemas:
        if minusculas.isdisjoint(formas):
            continue
        if token.lower() in formas:
            sabe = memoria.candidatos(peca.lacuna) if peca.lacuna else []
            certos = [v.indice for v in sabe] or [i for i in range(4) if formas[i] in minusculas]
            veios = [i for i in range(4) if formas[i] == token.lower()]
            return _discorda(token, veios, certos, sabe[0].palavra if len(sabe) == 1 else "")
        if CONTRACOES.get(lema) == token.lower() and gramatica.regra.get(seguinte) == "antes":
            return f"contração: em vez de «{token}» com artigo, esperava {ou(esperadas)}"
    return ""


def _discorda(token, veios, certos, com=""):
    veio, certo = min(itertools.product(veios, certos), key=lambda par: par[0] % 2 != par[1] % 2)
    alvo = f"«{com}» é {PESSOAS[certo]}" if com else f"o texto pedia {PESSOAS[certo]}"
    return f"{'gênero' if veio % 2 != certo % 2 else 'número'}: «{token}» é {PESSOAS[veio]}, e {alvo}"


# -- dar nota -----------------------------------------------------------------------------------------

def concordancias(gramatica, texto):
    """Confere as concordâncias só com o léxico, sem o leitor: lista de (posição, certo, porquê).

    Três regras: artigo e companhia concordam com o próximo substantivo; adjetivo, com o substantivo,
    nome ou pronome anterior mais próximo; ele/ela, com o nome anterior mais próximo.
    `certo` é True, False, ou None quando não há com quem comparar.
    """
    return concordam(gramatica, _tokens(texto) if isinstance(texto, str) else _fila(texto, "texto"))


def concordam(gramatica, tokens):
    palavras = [t if t in gramatica.regra else t.lower() for t in tokens]
    regras = [gramatica.regra.get(p, "") for p in palavras]
    nominal = [r in ("nome", "substantivo", "pessoa") for r in regras]
    seguinte, adiante = [None] * len(tokens), None      # o primeiro token adiante que não é de «antes» nem de «depois»
    for i in reversed(range(len(tokens))):
        seguinte[i] = adiante
        adiante = adiante if regras[i] in ("antes", "depois") else i
    primeiro = next((i for i, r in enumerate(regras) if r == "nome"), None)
    saida, anterior, nome = [], None, None              # o substantivo e o nome mais recentes
    for i, regra in enumerate(regras):
        alvo = seguinte[i] if regra == "antes" else anterior if regra == "depois" else primeiro if nome is None else nome
        anterior, nome = i if nominal[i] else anterior, i if regra == "nome" else nome
        if regra not in REGRAS:
            continue
        if alvo is None or not nominal[alvo]:
            saida.append((i, None, "não há com quem concordar"))
            continue
        certo = bool(gramatica.indices[palavras[i]] & gramatica.indices[palavras[alvo]])
        saida.append((i, certo, f"«{tokens[i]}» {'concorda' if certo else 'não concorda'} com «{tokens[alvo]}»"))
    return saida


def boletim(gramatica, textos, treino=None):
    """A nota de uma pilha de textos, deriváveis ou não; `treino` (textos ou historinhas) mede a novidade."""
    textos = _fila(textos, "textos")
    if not textos:
        raise ValueError("recebi uma lista vazia; passe ao menos um texto.")
    decorados = None if treino is None else {*_fila(treino, "treino")}
    juizos = {}      # linha do boletim -> True, False ou None (sem juízo) para cada caso
    for texto, vezes in Counter(textos).items():
        tokens = WordTokenizer.split(texto)
        (caminho, *_), lidas = _segue(gramatica, tokens)
        inteiro = lidas == len(tokens) == len(caminho.pecas)
        linhas = {"derivável": [inteiro and not Memoria(gramatica, caminho, tokens).parou],
                  "concordância": [certo for _, certo, _ in concordam(gramatica, tokens)] or [None],
                  **(_mantidos(gramatica, caminho, tokens) if inteiro else {f"mantém {tipo}": [None] for tipo in gramatica.tipos.values()})}
        if decorados is not None:
            linhas["novidade"] = [texto not in decorados]
        for linha, casos in linhas.items():
            juizos.setdefault(linha, []).extend(casos * vezes)

    def fracoes(juizo):
        return {linha: casos.count(juizo) / len(casos) for linha, casos in juizos.items()}

    return Boletim(len(textos), fracoes(True), fracoes(None), {linha: len(casos) for linha, casos in juizos.items()})


def _mantidos(gramatica, caminho, tokens):
    """Lembrou o nome, o objeto, o lugar? Compara entre si as menções de cada lacuna, sem olhar mais nada."""
    lacunas, ditas = caminho.enredo.lacunas, {}       # ditas: lacuna -> o que o texto disse dela, de cada vez
    for peca, token in zip(caminho.pecas, tokens, strict=True):
        if peca.adjetivo:
            token = next(cor.palavra for cor in gramatica.categorias[lacunas[peca.adjetivo]] if token.lower() in cor.formas)
        if peca.escreve:
            ditas.setdefault(peca.escreve, []).append(token)
    por_tipo = {}
    for lacuna, palavras in ditas.items():
        por_tipo.setdefault(gramatica.tipos[lacunas[lacuna]], []).append(palavras)
    return {f"mantém {tipo}": [all(len(set(palavras)) == 1 for palavras in lacunas)]
            for tipo, lacunas in por_tipo.items() if any(len(palavras) > 1 for palavras in lacunas)}
