"""A gramática: o que o arquivo diz, conferido e guardado em categorias, concordâncias e enredos.

Duas frases que disputam o mesmo lugar diferem sempre numa palavra na mesma posição; por isso um texto tem uma só
derivação, e quem o lê nunca precisa voltar atrás. A gramática que não é assim é recusada aqui.
"""

import itertools
import math
import os
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gptmini.texto import WordTokenizer

from . import toml
from .toml import GramaticaInvalida, cabe, confere, curto, maiuscula, ou, palavra_so, pede, perto, textos

ARQUIVO = Path(__file__).with_name("historinhas.toml")
INDICES = {"m": 0, "f": 1, "mp": 2, "fp": 3}     # a ordem das formas em todo o arquivo
REGRAS = ("antes", "depois", "pessoa")           # com quem a palavra concorda: ver `leitura.concordancias`
CHAVES = re.compile(r"\{([^{}]*)\}")
ENREDO = re.compile(r"^[ \t]*\[\[\s*enredo\s*\]\]", re.MULTILINE)     # onde começa cada enredo, no texto do arquivo
# Até onde uma gramática pode crescer e ainda ser lida num instante. A do curso tem 640 caminhos.
MAX_PALAVRAS = 500                               # por categoria
MAX_FRASES = 300                                 # que disputam um lugar: são comparadas duas a duas
MAX_TOKENS = 1_000                               # da história mais longa de um enredo
MAX_CAMINHOS = 10_000                            # por enredo: a conta exata passa por todos
MAX_CONTA = 1_000_000                            # tokens em todos os caminhos da gramática


@dataclass(frozen=True, eq=False)
class Valor:
    """O que preenche uma lacuna: um nome (tem `indice`) ou um adjetivo (tem `formas`)."""

    palavra: str
    indice: int | None = None
    formas: tuple = ()


@dataclass(frozen=True, eq=False)
class Peca:
    """Um token da frase: fixo (`texto`), o valor de `lacuna`, ou uma palavra que concorda com `lacuna`:
    a de um lema (`formas`) ou a de uma lacuna de adjetivo (`adjetivo`)."""

    possiveis: frozenset       # tudo o que ela pode escrever
    texto: str = ""
    lacuna: str = ""
    formas: tuple = ()
    adjetivo: str = ""
    maiuscula: bool = False

    @property
    def escreve(self):
        """A lacuna que o leitor recupera daqui; vazio se a peça só concorda, ou é fixa."""
        return self.adjetivo or ("" if self.formas else self.lacuna)

    def palavra(self, valor, adjetivo=None):
        """O que ela escreve, dados os valores de `lacuna` e, se houver, de `adjetivo`."""
        if self.formas:
            return self.formas[valor.indice]
        if self.adjetivo:
            return maiuscula(adjetivo.formas[valor.indice], self.maiuscula)
        return valor.palavra if valor else self.texto


QUEBRA = Peca(frozenset("\n"), texto="\n")


@dataclass(frozen=True, eq=False)
class Frase:
    texto: str
    pecas: tuple

    @cached_property
    def fala(self):
        return self.texto.startswith("—")


@dataclass(frozen=True, eq=False)
class Enredo:
    nome: str
    lacunas: dict       # lacuna -> categoria
    passos: tuple       # tuplas de Frase
    caminhos: dict      # qual frase em cada passo -> Caminho


@dataclass(frozen=True, eq=False)
class Caminho:
    """Uma frase para cada passo. `nats` é -ln p de cada uma das suas `historias`, todas com os mesmos tokens."""

    enredo: Enredo
    escolhas: tuple     # qual frase em cada passo
    frases: tuple
    pecas: tuple        # as das frases, mais as quebras de linha
    fins: tuple         # quantas peças há até o fim de cada frase
    lacunas: tuple      # na ordem em que são sorteadas
    nats: float
    historias: int

    @cached_property
    def molde(self):
        """O texto com %s no lugar do que varia, e as peças que variam."""
        tokens = ["%s" if p.lacuna else p.texto.replace("%", "%%") for p in self.pecas]
        return WordTokenizer.join(tokens), tuple(p for p in self.pecas if p.lacuna)

    def vizinhos(self, passo):
        """Este caminho com cada uma das frases do passo."""
        antes, depois = self.escolhas[:passo], self.escolhas[passo + 1 :]
        return [self.enredo.caminhos[*antes, i, *depois] for i in range(len(self.enredo.passos[passo]))]


# -- dos dados à gramática ----------------------------------------------------------------------------

class GramaticaLida:
    """O que o arquivo diz, já conferido.

    categorias: categoria -> seus `Valor`; tipos: categoria -> a linha do boletim em que ela entra.
    concorda: lema -> suas quatro formas; regra e indices: palavra -> em que regra de concordância entra, e que índices aceita.
    enredos: uma tupla de `Enredo`; aberturas: um `Caminho` por frase que pode começar uma história.
    """

    def __init__(self, nomes=None, palavras=None, arquivo=ARQUIVO):
        if not isinstance(arquivo, (str, os.PathLike)):
            raise GramaticaInvalida(f"arquivo veio {curto(arquivo)}; esperava o caminho de um arquivo .toml.")
        nome = Path(arquivo).name
        self.fonte, dados = toml.abre(Path(arquivo))
        trocas = {**(toml.da_turma("palavras", palavras) or {})}
        if (nomes := toml.da_turma("nomes", nomes)) is not None:
            trocas["nome"] = nomes
        self._ler_palavras(pede(dados, "palavras", dict, nome), confere(dados.get("adjetivos", {}), dict, "[adjetivos]"), trocas)
        self._ler_concordancia(pede(dados, "concorda", dict, nome), pede(dados, "substantivos", dict, nome))
        enredos = pede(dados, "enredo", list, nome)
        if not 0 < len(enredos) <= MAX_FRASES:
            raise GramaticaInvalida(f"são {len(enredos)} enredos, e o máximo é {MAX_FRASES}; tire alguns." if enredos else
                                    "a gramática não tem enredos.")
        self.enredos, self._conta = (), 0
        for i, enredo in enumerate(enredos, 1):
            self.enredos += (self._ler_enredo(enredo, f"{i}º [[enredo]]", len(enredos)),)
        nome, vezes = Counter(e.nome for e in self.enredos).most_common(1)[0]
        if vezes > 1:
            raise GramaticaInvalida(f"há dois enredos com o mesmo nome: {nome}")
        self.aberturas = [c for e in self.enredos for c in next(iter(e.caminhos.values())).vizinhos(0)]
        self._exige_leitura_unica()
        self._exige_palavras_novas()

    def livres(self, enredo, lacuna, valores):
        """O que ainda pode preencher a lacuna: duas da mesma categoria nunca recebem o mesmo valor."""
        categoria = enredo.lacunas[lacuna]
        usados = {v for outra, v in valores.items() if enredo.lacunas[outra] == categoria}
        todos = self.categorias[categoria]
        return [v for v in todos if v not in usados] if usados else todos

    def _ler_palavras(self, palavras, adjetivos, trocas):
        """Enche `categorias`: para cada uma, os valores possíveis, do arquivo ou da turma (`trocas`)."""
        for categoria in trocas:
            if categoria not in {**palavras, **adjetivos}:
                raise GramaticaInvalida(f"não existe a categoria «{categoria}». {perto(str(categoria), [*palavras, *adjetivos])}")
        self.categorias, self.tipos, self.da_turma = {}, {}, {}    # da_turma: as palavras que o arquivo não tinha
        for secao, tabelas, ler in (("palavras", palavras, self._nomes), ("adjetivos", adjetivos, self._adjetivos)):
            for categoria, tabela in tabelas.items():
                onde = f"[{secao}.{cabe(categoria, 'etiqueta', f'[{secao}]')}]"
                tipo = pede(confere(tabela, dict, onde), "tipo", str, onde)
                self.tipos[categoria] = cabe(tipo, "etiqueta", onde)
                if categoria in self.categorias:
                    raise GramaticaInvalida(f"{onde}: já existe uma categoria com esse nome.")
                self.categorias[categoria] = ler(categoria, {k: v for k, v in tabela.items() if k != "tipo"}, onde)
                if categoria in trocas:
                    antes = self._escritas(categoria)
                    self.categorias[categoria] = ler(categoria, trocas[categoria], f"«{categoria}»")
                    self.da_turma[categoria] = self._escritas(categoria) - antes
        if "nome" in trocas and "amigo" in self.categorias and "amigo" not in trocas:      # quem a turma tem não é amigo de si mesmo
            self.categorias["amigo"] = tuple(v for v in self.categorias["amigo"] if v.palavra not in self._escritas("nome"))

    def _escritas(self, categoria):
        return {palavra for v in self.categorias[categoria] for palavra in v.formas or (v.palavra,)}

    def _nomes(self, categoria, listas, onde):
        numeros = {v.indice // 2 for v in self.categorias.get(categoria, ())}    # a turma fica com os do arquivo
        aceitos = [g for g, i in INDICES.items() if not numeros or i // 2 in numeros]
        valores = {}
        for genero, palavras in confere(listas, dict, onde).items():
            if genero not in aceitos:
                raise GramaticaInvalida(f'{onde}: «{genero}» não serve; esperava {ou(aceitos)}, como em {{"{aceitos[-1]}": [...]}}.')
            for palavra in textos(palavras, f"{onde}, «{genero}»", MAX_PALAVRAS):
                if palavra_so(palavra, onde)[0].islower() and self.tipos[categoria] == "nome":
                    raise GramaticaInvalida(f"{onde}: «{palavra}» é nome de alguém: comece com maiúscula.")
                if palavra in valores:
                    raise GramaticaInvalida(f"{onde}: «{palavra}» aparece duas vezes.")
                valores[palavra] = Valor(palavra, INDICES[genero])
        return tuple(valores.values())

    def _adjetivos(self, categoria, tabela, onde):
        valores, vistas = [], set()
        for texto in textos(pede(tabela, "formas", list, onde) if isinstance(tabela, dict) else tabela, onde, MAX_PALAVRAS):
            formas = toml.formas(texto, onde)
            if not vistas.isdisjoint(formas):
                raise GramaticaInvalida(f"{onde}: «{texto}» repete uma forma de outro adjetivo.")
            vistas.update(formas)
            valores.append(Valor(formas[0], formas=formas))
        return tuple(valores)

    def _ler_concordancia(self, concorda, substantivos):
        """Monta o léxico: para cada palavra, em que regra de concordância entra e que índices aceita."""
        self.concorda, self.regra, self.indices = {}, {}, {}
        for regra, lemas in concorda.items():
            onde = f"[concorda.{regra}]"
            if regra not in REGRAS:
                raise GramaticaInvalida(f"{onde} não existe. {perto(regra, REGRAS)}")
            for lema, texto in confere(lemas, dict, onde).items():
                deste = f"{onde} {cabe(lema, 'palavra', onde)}"
                self.concorda[lema] = toml.formas(confere(texto, str, deste), deste)
                for i, forma in enumerate(self.concorda[lema]):
                    self._anota(regra, forma, i, deste)
        for categoria, valores in self.categorias.items():
            de_uma_forma = "nome" if self.tipos[categoria] == "nome" else "substantivo"
            for valor in valores:
                for i, forma in enumerate(valor.formas):
                    self._anota("depois", forma, i, f"«{categoria}»")
                if not valor.formas:
                    self._anota(de_uma_forma, valor.palavra, valor.indice, f"«{categoria}»")
        for genero, palavras in substantivos.items():
            if genero not in INDICES:
                raise GramaticaInvalida(f"[substantivos]: «{genero}» não serve; esperava {ou(INDICES)}.")
            for palavra in textos(palavras, f"[substantivos], «{genero}»"):
                self._anota("substantivo", palavra_so(palavra, "[substantivos]"), INDICES[genero], "[substantivos]")

    def _anota(self, regra, palavra, indice, onde):
        if self.regra.setdefault(palavra, regra) != regra:
            raise GramaticaInvalida(f"{onde}: «{palavra}» serve a duas regras de concordância, {self.regra[palavra]} e {regra}; "
                                    "troque uma das palavras.")
        self.indices.setdefault(palavra, set()).add(indice)

    def _ler_enredo(self, dados, onde, quantos):
        nome = cabe(pede(confere(dados, dict, onde), "nome", str, onde), "etiqueta", onde)
        onde = f"enredo «{nome}»"
        lacunas = self._ler_lacunas(pede(dados, "lacunas", dict, onde), onde)
        lidos = pede(dados, "passos", list, onde)
        if len(lidos) > MAX_TOKENS:
            raise GramaticaInvalida(f"{onde}: são {len(lidos)} passos, e o máximo é {MAX_TOKENS}; divida o enredo.")
        passos = ()
        for i, passo in enumerate(lidos, 1):
            neste = f"{onde}, passo {i}"
            passos += (tuple(self._ler_frase(texto, neste, lacunas) for texto in textos(passo, neste, MAX_FRASES)),)
        if not passos or not all(passos):
            raise GramaticaInvalida(f"{onde}: há um passo sem frases.")
        caminhos, tokens = math.prod(map(len, passos)), sum(max(len(f.pecas) + 1 for f in passo) for passo in passos)
        self._conta += caminhos * tokens
        for quanto, maximo, de_que in ((caminhos, MAX_CAMINHOS, "caminhos"), (tokens, MAX_TOKENS, "tokens na história mais longa"),
                                       (self._conta, MAX_CONTA, "tokens somados em todos os caminhos até aqui")):
            if quanto > maximo:
                raise GramaticaInvalida(f"{onde}: são mais de {maximo} {de_que}; tire frases ou divida o enredo.")
        enredo = Enredo(nome, lacunas, passos, {})
        inicio = math.log(quantos * caminhos)
        for escolhas in itertools.product(*(range(len(p)) for p in passos)):
            enredo.caminhos[escolhas] = self._caminho(enredo, escolhas, inicio)
        for lacuna in set(lacunas).difference(*(c.lacunas for c in enredo.caminhos.values())):
            raise GramaticaInvalida(f"{onde}, lacuna «{lacuna}»: nenhuma frase a usa.")
        return enredo

    def _ler_lacunas(self, lacunas, onde):
        for lacuna, categoria in lacunas.items():
            desta = f"{onde}, lacuna «{cabe(lacuna, 'etiqueta', f'{onde}, lacunas')}»"
            if confere(categoria, str, desta) not in self.categorias:
                raise GramaticaInvalida(f"{desta}: não existe a categoria «{categoria}». {perto(categoria, self.categorias)}")
            if lacuna in self.concorda:
                raise GramaticaInvalida(f"{desta}: esse nome já é de uma palavra de [concorda]; dê outro.")
        for categoria, pedidas in Counter(lacunas.values()).items():
            if (ha := len(self.categorias[categoria])) < pedidas:
                raise GramaticaInvalida(f"{onde}: pede {pedidas} valores diferentes de «{categoria}», que tem {ha}.")
        return lacunas

    def _ler_frase(self, texto, onde, lacunas):
        if not cabe(texto, "frase", onde):
            raise GramaticaInvalida(f"{onde}: frase vazia.")
        pecas, cheio = [], CHAVES.sub("X", texto)
        for i, trecho in enumerate(CHAVES.split(texto)):       # fora das chaves, dentro, fora, dentro, ..., fora
            if i % 2:
                pecas.append(self._ler_chaves(trecho, lacunas, f"{onde}, frase «{texto}»"))
                continue
            pecas += [Peca(frozenset([t]), texto=t) for t in WordTokenizer.split(trecho)]
            if {"{", "}"} & set(trecho):
                raise GramaticaInvalida(f"{onde}, frase «{texto}»: chave sem par; confira {{ e }}.")
        if len(WordTokenizer.split(cheio)) != len(pecas) or WordTokenizer.join(WordTokenizer.split(cheio)) != cheio:
            raise GramaticaInvalida(f"{onde}: confira os espaços de «{texto}»: um entre palavras, nenhum antes de , . ! ? : ; "
                                    "e nenhum nas pontas; aspas, parênteses e apóstrofos não cabem.")
        return Frase(texto, tuple(pecas))

    def _ler_chaves(self, dentro, lacunas, onde):
        """O que está entre chaves -> `Peca`."""
        *lema, lacuna = dentro.split() or [""]
        if len(lema) > 1 or lacuna not in lacunas:
            raise GramaticaInvalida(f"{onde}: a lacuna «{dentro}» não está na lista de lacunas do enredo. {perto(lacuna, lacunas)}")
        valores = self.categorias[lacunas[lacuna]]
        if not lema:
            return Peca(frozenset(v.palavra for v in valores), lacuna=lacuna)
        if valores[0].formas:
            raise GramaticaInvalida(f"{onde}: a lacuna «{lacuna}» é de adjetivos, e «{lema[0]}» só concorda com nomes.")
        chave, alta = lema[0].lower(), lema[0][0].isupper()
        usados = {v.indice for v in valores}
        if chave in self.concorda:
            formas = tuple(maiuscula(f, alta) for f in self.concorda[chave])
            return Peca(frozenset(formas[i] for i in usados), lacuna=lacuna, formas=formas)
        adjetivos = self.categorias[lacunas[chave]] if chave in lacunas else ()
        if not adjetivos or not adjetivos[0].formas:
            raise GramaticaInvalida(f"{onde}, lacuna «{lacuna}»: «{chave}» não está em [concorda] nem é lacuna de adjetivo. "
                                    f"{perto(chave, self.concorda)}")
        possiveis = frozenset(maiuscula(a.formas[i], alta) for a in adjetivos for i in usados)
        return Peca(possiveis, lacuna=lacuna, adjetivo=chave, maiuscula=alta)

    def _caminho(self, enredo, escolhas, nats):
        frases = tuple(passo[i] for passo, i in zip(enredo.passos, escolhas, strict=True))
        pecas, fins, fala = [], [], False
        for frase in frases:
            pecas += [QUEBRA, *frase.pecas] if pecas and (frase.fala or fala) else frase.pecas
            fins.append(len(pecas))
            fala = frase.fala
        lacunas = tuple(dict.fromkeys(n for p in pecas for n in (p.adjetivo, p.lacuna) if n))
        for lacuna in set(lacunas) - {p.escreve for p in pecas}:
            frase = next(f for f in frases for p in f.pecas if p.lacuna == lacuna)
            raise GramaticaInvalida(f"enredo «{enredo.nome}», frase «{frase.texto}», lacuna «{lacuna}»: há um caminho em que seu valor "
                                    "nunca é escrito, e o leitor não teria como saber qual foi.")
        usadas, historias = Counter(), 1
        for lacuna in lacunas:
            categoria = enredo.lacunas[lacuna]
            historias *= len(self.categorias[categoria]) - usadas[categoria]
            usadas[categoria] += 1
        return Caminho(enredo, escolhas, frases, tuple(pecas), tuple(fins), lacunas, nats + math.log(historias), historias)

    def _exige_leitura_unica(self):
        """Frases que disputam um lugar têm de diferir numa posição antes do fim da mais curta."""
        aberturas = [(e, f) for e in self.enredos for f in e.passos[0]]
        for disputa in [aberturas] + [[(e, f) for f in passo] for e in self.enredos for passo in e.passos[1:]]:
            if len(disputa) > MAX_FRASES:
                raise GramaticaInvalida(f"as aberturas dos enredos são {len(disputa)} frases, e o máximo é {MAX_FRASES}; tire enredos, "
                                        "ou frases do primeiro passo de cada um.")
            for (_, a), (enredo, b) in itertools.combinations(disputa, 2):
                if all(p.possiveis & q.possiveis for p, q in zip(a.pecas, b.pecas, strict=False)):
                    raise GramaticaInvalida(f"enredo «{enredo.nome}»: «{b.texto}» pode se confundir com «{a.texto}»; "
                                            "troque uma palavra para que cada texto tenha uma só leitura.")

    def _exige_palavras_novas(self):
        """Um nome da turma que também começa frases, como «Era» ou «Todo», confundiria quem lê."""
        frases = (f for e in self.enredos for passo in e.passos for f in passo)
        das_frases = {palavra for f in frases for p in f.pecas for palavra in (p.texto, *p.formas)}
        for categoria, novas in self.da_turma.items():
            for palavra in sorted(novas & das_frases):
                raise GramaticaInvalida(f"«{categoria}»: «{palavra}» já é palavra das frases; use outra.")
