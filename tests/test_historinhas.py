"""As historinhas: sorteio, conta exata, leitura de volta, nota e recusa de gramática errada.

Nenhum teste conta com uma frase do arquivo: os textos errados nascem de histórias sorteadas, trocando uma
palavra; as gramáticas erradas, do próprio arquivo, trocando um trecho.
"""

import itertools
import math
import os
import random
import re
import time
import tomllib
import unicodedata
from collections import Counter

import numpy
import pytest
import torch

from apoio import historinhas, pronto
from apoio.historinhas import Gramatica, GramaticaInvalida, Historinha, HistorinhaInvalida
from gptmini.texto import WordTokenizer
from gptmini.vetores import GPTConfig

FONTE = historinhas.ARQUIVO.read_text(encoding="utf-8")
DADOS = tomllib.loads(FONTE)
FIXAS = {e["nome"]: set(re.findall(r"\w+", re.sub(r"\{.*?\}", "", " ".join(itertools.chain(*e["passos"]))))) for e in DADOS["enredo"]}
ARTIGOS = {lema: formas.split() for lema, formas in DADOS["concorda"]["antes"].items() if lema in ("o", "um", "no", "do", "ao")}


@pytest.fixture(scope="module")
def gramatica():
    return historinhas.padrao()


@pytest.fixture(scope="module")
def historias(gramatica):
    return gramatica.sortear(10_000, semente=11)


# -- a pequena: uma gramática que cabe na mão -----------------------------------------------------------

PEQUENA = """
[concorda.antes]
o = "o a os as"
um = "um uma uns umas"
[concorda.depois]
calmo = "calmo calma calmos calmas"
[concorda.pessoa]
ele = "ele ela eles elas"
[substantivos]
m = ["dia"]
[palavras.nome]
tipo = "nome"
f = ["Ana", "Bia"]
m = ["Caio"]
[palavras.bicho]
tipo = "bicho"
m = ["gato"]
f = ["arara"]
fp = ["cutias"]
[adjetivos.cor]
tipo = "cor"
formas = ["roxo roxa roxos roxas", "azul azul azuis azuis"]
[[enredo]]
nome = "a visita"
lacunas = { heroi = "nome", amigo = "nome", bicho = "bicho", cor = "cor" }
passos = [
  ["{heroi} viu {um bicho} {bicho} {cor bicho}.", "Um dia, {ele heroi} acordou {calmo heroi}: era {heroi}."],
  ["— Oi! — disse {ele heroi} para {amigo}.", "{Ele heroi} riu com {amigo}."],
  ["Fim de {heroi}."],
]
[[enredo]]
nome = "o bicho"
lacunas = { bicho = "bicho", outro = "bicho", cor = "cor" }
passos = [
  ["Era {um bicho} {bicho} {cor bicho}.", "— Quem vem? — Era {o bicho} {bicho}!", "Havia {bicho}."],
  ["Depois, {o outro} {outro} veio."],
]
"""


@pytest.fixture
def escreve(tmp_path):
    """Guarda um texto como arquivo e devolve a gramática dele."""
    def de(fonte, **resto):
        (tmp_path / "turma.toml").write_text(fonte, encoding="utf-8")
        return Gramatica(arquivo=tmp_path / "turma.toml", **resto)
    return de


def enumera(fonte, nomes=None):
    """Todas as histórias da gramática e suas probabilidades, por força bruta e sem olhar o módulo."""
    dados = tomllib.loads(fonte)
    generos = {"m": 0, "f": 1, "mp": 2, "fp": 3}
    lemas = {lema: formas.split() for grupo in dados["concorda"].values() for lema, formas in grupo.items()}
    valores = {}
    for categoria, tabela in dados["palavras"].items():
        listas = nomes if nomes and categoria == "nome" else tabela
        valores[categoria] = [(p, generos[g]) for g in listas if g in generos for p in listas[g]]
    for categoria, tabela in dados["adjetivos"].items():
        valores[categoria] = [(f.split(), None) for f in tabela["formas"]]

    def escritas(texto, sabe, lacunas):
        """Cada jeito de encher a frase: (texto, o que se sabe depois, probabilidade)."""
        buraco = re.search(r"\{(?:(\w+) )?(\w+)\}", texto)
        if not buraco:
            yield texto, sabe, 1.0
            return
        lema, lacuna = buraco.groups()
        for nova in (lema, lacuna):
            if nova in lacunas and nova not in sabe:
                livres = [v for v in valores[lacunas[nova]]
                          if all(v != u for k, u in sabe.items() if lacunas[k] == lacunas[nova])]
                for valor in livres:
                    for t, s, p in escritas(texto, {**sabe, nova: valor}, lacunas):
                        yield t, s, p / len(livres)
                return
        palavra, genero = sabe[lacuna]
        if lema:
            formas = sabe[lema][0] if lema in lacunas else lemas[lema.lower()]
            palavra = formas[genero].capitalize() if lema[0].isupper() else formas[genero]
        yield from escritas(texto[: buraco.start()] + palavra + texto[buraco.end() :], sabe, lacunas)

    def segue(feito, passos, sabe, lacunas):
        if not passos:
            yield feito, 1.0
            return
        for frase in passos[0]:
            for texto, sabido, p in escritas(frase, sabe, lacunas):
                fala = texto.startswith("—") or feito.split("\n")[-1].startswith("—")
                junto = feito + ("\n" if fala else " ") + texto if feito else texto
                for inteiro, q in segue(junto, passos[1:], sabido, lacunas):
                    yield inteiro, p * q / len(passos[0])

    todas = Counter()
    for enredo in dados["enredo"]:
        for texto, p in segue("", enredo["passos"], {}, enredo["lacunas"]):
            assert texto not in todas, f"duas derivações dão «{texto}»"
            todas[texto] = p / len(dados["enredo"])
    return todas


def limite_de(probabilidades):
    """E[-ln p] / E[tokens], contando os tokens por conta própria."""
    nats = -sum(p * math.log(p) for p in probabilidades.values())
    tokens = sum(p * (len(re.findall(r"\w+|[^\w ]", texto)) + 1) for texto, p in probabilidades.items())
    return nats / tokens


@pytest.fixture(scope="module")
def enumeradas():
    return enumera(PEQUENA)


def test_a_pequena_enumerada_soma_um_e_da_o_limite(escreve, enumeradas):
    pequena = escreve(PEQUENA)
    assert sum(enumeradas.values()) == pytest.approx(1, abs=1e-12)
    assert pequena.limite() == pytest.approx(limite_de(enumeradas), abs=1e-12)
    assert pequena.historias == len(enumeradas) == sum(linha["historias"] for linha in pequena.resumo().values())
    assert max(linha["p_maxima"] for linha in pequena.resumo().values()) == pytest.approx(max(enumeradas.values()), rel=1e-12)


def test_a_pequena_le_cada_historia_com_sua_probabilidade(escreve, enumeradas):
    pequena = escreve(PEQUENA)
    for texto, p in enumeradas.items():
        lida = pequena.analisar(texto)
        assert lida.texto == texto and lida.log_prob == pytest.approx(math.log(p), abs=1e-12)


def test_a_pequena_sorteia_todas_e_nenhuma_a_mais(escreve, enumeradas):
    pequena = escreve(PEQUENA)
    assert {h.texto for h in pequena.sortear(len(enumeradas))} == set(enumeradas)
    with pytest.raises(ValueError, match=str(len(enumeradas))):
        pequena.sortear(len(enumeradas) + 1)


def test_a_pequena_recusa_tudo_o_que_nao_enumera(escreve, enumeradas):
    """Uma palavra trocada, tirada ou repetida: o leitor aceita exatamente o que a enumeração contém."""
    pequena, sorteio = escreve(PEQUENA), random.Random(3)
    palavras = sorted({t for texto in enumeradas for t in WordTokenizer.split(texto)})
    textos = sorted(enumeradas)
    aceitas = 0
    for _ in range(1500):
        tokens = WordTokenizer.split(sorteio.choice(textos))
        i = sorteio.randrange(len(tokens))
        tokens[i : i + 1] = sorteio.choice([[], [sorteio.choice(palavras)], [tokens[i]] * 2])
        texto = WordTokenizer.join(tokens)
        try:
            pequena.analisar(texto)
        except HistorinhaInvalida as erro:
            assert texto not in enumeradas and 0 <= erro.posicao <= len(tokens)
        else:
            assert texto in enumeradas
            aceitas += 1
    assert aceitas        # algumas trocas dão outra história certa


def test_o_limite_acompanha_os_nomes_da_turma(escreve, enumeradas):
    turma = {"f": ["Bia", "Lu", "Noêmia"], "m": ["Davi", "Zé"]}
    com_a_turma = enumera(PEQUENA, nomes=turma)
    assert escreve(PEQUENA, nomes=turma).limite() == pytest.approx(limite_de(com_a_turma), abs=1e-12)
    # cada história tem dois nomes em «a visita»: ln 3·2 passa a ln 5·4, com os mesmos tokens
    tokens = sum(p * (len(re.findall(r"\w+|[^\w ]", t)) + 1) for t, p in enumeradas.items())
    ganho = math.log(5 * 4 / (3 * 2)) / 2 / tokens
    assert escreve(PEQUENA, nomes=turma).limite() - escreve(PEQUENA).limite() == pytest.approx(ganho, abs=1e-12)


# -- as sorteadas voltam ------------------------------------------------------------------------------

def confere_leitura(gramatica, historias):
    tokenizer = WordTokenizer([h.texto for h in historias])
    for h in historias:
        lida = gramatica.analisar(h.texto)
        assert lida == h and lida.lacunas == h.lacunas
        assert tokenizer.decode(tokenizer.encode(h.texto)) == h.texto
        assert all(certo for _, certo, _ in gramatica.concordancias(h.texto))


def test_sorteadas_voltam_a_derivacao_que_as_fez(gramatica, historias):
    confere_leitura(gramatica, historias[:1000])


@pytest.mark.lento
def test_dez_mil_sorteadas_voltam_a_derivacao_que_as_fez(gramatica, historias):
    confere_leitura(gramatica, historias)


# -- os números da gramática do curso -------------------------------------------------------------------

def test_tamanhos(gramatica, historias):
    palavras = {t for h in historias for t in WordTokenizer.split(h.texto) if t[0].isalpha()}
    tamanhos = [len(WordTokenizer.split(h.texto)) for h in historias]
    assert len(gramatica.enredos) >= 12
    assert 250 <= len(palavras) <= 420
    assert sum(40 <= t <= 90 for t in tamanhos) >= 0.99 * len(tamanhos)
    for enredo, linha in gramatica.resumo().items():
        assert linha["historias"] >= 1e6, enredo
        assert linha["p_maxima"] <= 1e-6, enredo
    assert all(math.exp(h.log_prob) <= 1e-6 for h in historias)


def test_enredos_nao_repetem_frases():
    """Dois enredos nunca partilham mais da metade dos moldes, nem se só o nome da lacuna muda."""
    moldes = [{re.sub(r"(\w+)\}", lambda m, e=e: e["lacunas"][m[1]] + "}", frase) for passo in e["passos"] for frase in passo}
              for e in DADOS["enredo"]]
    for a, b in itertools.combinations(moldes, 2):
        assert len(a & b) <= min(len(a), len(b)) / 2


def test_o_pronome_aponta_para_quem_acabou_de_ser_dito(gramatica):
    """Entre «ele» e a pessoa que ele retoma não há outra pessoa, em caminho nenhum: nem outro nome, nem um parente."""
    pronomes, vistos = set(gramatica.concorda["ele"]), 0
    for enredo in gramatica.enredos:
        pessoas = {lacuna for lacuna, categoria in enredo.lacunas.items() if gramatica.tipos[categoria] in ("nome", "parente")}
        for caminho in enredo.caminhos.values():
            ultima = None
            for peca in caminho.pecas:
                if peca.formas and pronomes & {forma.lower() for forma in peca.formas}:
                    assert peca.lacuna == ultima, WordTokenizer.join([p.texto or p.lacuna for p in caminho.pecas])
                    vistos += 1
                elif peca.escreve in pessoas:
                    ultima = peca.escreve
    assert vistos


def lembranca(historia, gramatica):
    """Tokens entre a primeira e a última menção do valor mais bem lembrado."""
    tokens = WordTokenizer.split(historia.texto)
    formas = {v.palavra: v.formas or (v.palavra,) for valores in gramatica.categorias.values() for v in valores}
    lugares = ([i for i, t in enumerate(tokens) if t in formas[valor]]
               for valor in historia.lacunas.values() if valor not in FIXAS[historia.enredo])
    return max(ditas[-1] - ditas[0] for ditas in lugares)


def test_cada_enredo_lembra_de_longe(gramatica, historias):
    """Em todo enredo, quase toda história tem uma lembrança a 15 tokens ou mais."""
    por_enredo = {}
    for h in historias[:3000]:
        por_enredo.setdefault(h.enredo, []).append(lembranca(h, gramatica) >= 15)
    assert len(por_enredo) == len(gramatica.enredos)
    for enredo, longas in por_enredo.items():
        assert sum(longas) >= 0.95 * len(longas), enredo


# -- o sorteio ----------------------------------------------------------------------------------------

def qui_quadrado(contagem, categorias):
    """Distância ao sorteio uniforme, em desvios-padrão do qui-quadrado."""
    esperado, livres = sum(contagem.values()) / len(categorias), len(categorias) - 1
    valor = sum((contagem[c] - esperado) ** 2 / esperado for c in categorias)
    return (valor - livres) / math.sqrt(2 * livres)


def test_frequencias_seguem_as_probabilidades(gramatica, historias):
    assert qui_quadrado(Counter(h.enredo for h in historias), [e.nome for e in gramatica.enredos]) < 5
    nomes = [v.palavra for v in gramatica.categorias["nome"]]
    por_lacuna = {}
    for h in historias:
        for lacuna, valor in h.lacunas.items():
            if valor in nomes:
                por_lacuna.setdefault(lacuna, Counter())[valor] += 1
    assert por_lacuna
    for contagem in por_lacuna.values():
        assert qui_quadrado(contagem, nomes) < 5
    # a média de -ln p é a entropia: o limite, medido
    tokens = sum(len(WordTokenizer.split(h.texto)) + 1 for h in historias)
    assert -sum(h.log_prob for h in historias) / tokens == pytest.approx(gramatica.limite(), rel=0.01)


def test_a_semente_manda(gramatica):
    assert gramatica.sortear(50, semente=1) == gramatica.sortear(50, semente=1) == historinhas.sortear(50, 1)
    assert gramatica.sortear(50, semente=1) != gramatica.sortear(50, semente=2)
    assert gramatica.sortear(50, semente=1)[:20] == gramatica.sortear(20, semente=1)


def test_treino_e_validacao_nao_se_tocam(gramatica, historias, monkeypatch):
    assert len({h.texto for h in historias}) == len(historias)
    monkeypatch.setattr(pronto, "TREINO", 1500)
    monkeypatch.setattr(pronto, "VALIDACAO", 300)
    _, exemplos, treino, validacao = pronto.dados(gramatica)
    assert len(exemplos) == len(treino) == 1500 and len(validacao) == 300
    assert not {h.texto for h in treino} & {h.texto for h in validacao}


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", None, 10**30])
def test_quantas_sortear(gramatica, n):
    with pytest.raises(ValueError, match="inteiro de 1 a"):
        gramatica.sortear(n)


@pytest.mark.lento
def test_tirar_repetidas_quase_nao_muda_o_limite(gramatica):
    """30 mil sorteios soltos (um por semente, então podem repetir) com e sem as repetidas."""
    soltas = [gramatica.sortear(1, semente=i)[0] for i in range(30_000)]

    def medido(historias):
        return -sum(h.log_prob for h in historias) / sum(len(WordTokenizer.split(h.texto)) + 1 for h in historias)

    distintas = list({h.texto: h for h in soltas}.values())
    assert len(distintas) < len(soltas)            # há o que tirar: o teste mede alguma coisa
    assert abs(medido(soltas) - medido(distintas)) < 1e-4


# -- textos errados: o motivo e o lugar -------------------------------------------------------------------

def recusa(gramatica, tokens):
    with pytest.raises(HistorinhaInvalida) as erro:
        gramatica.analisar(tokens if isinstance(tokens, str) else WordTokenizer.join(tokens))
    assert str(erro.value.posicao) in str(erro.value) and erro.value.motivo in str(erro.value)
    return erro.value


def tipos_dos_valores(gramatica):
    """palavra -> (categoria, tipo, índice)."""
    return {v.palavra: (c, gramatica.tipos[c], v.indice) for c, valores in gramatica.categorias.items() for v in valores}


def artigos(gramatica, historia):
    """(posição, formas, substantivo, já era conhecido) para cada artigo logo antes do valor de uma lacuna.

    «fez uma cama» é da frase, ainda que o móvel da história seja a cama.
    """
    tokens = WordTokenizer.split(historia.texto)
    for i, (token, depois) in enumerate(itertools.pairwise(tokens)):
        for formas in ARTIGOS.values():
            if token in formas and depois in set(historia.lacunas.values()) - FIXAS[historia.enredo]:
                yield i, formas, depois, depois in tokens[:i]


def troca(tokens, i, *novos):
    return [*tokens[:i], *novos, *tokens[i + 1 :]]


def test_genero_errado(gramatica, historias):
    """Conhecido o substantivo, o erro é o artigo; apresentado agora, é o substantivo que não o acompanha."""
    tipos, vistos = tipos_dos_valores(gramatica), Counter()
    for h in historias[:60]:
        tokens = WordTokenizer.split(h.texto)
        for i, formas, substantivo, conhecido in artigos(gramatica, h):
            indice = tipos[substantivo][2]
            erro = recusa(gramatica, troca(tokens, i, formas[indice ^ 1]))
            assert erro.motivo.startswith("gênero") and erro.posicao == i + (not conhecido)
            assert ("masculino" in erro.motivo) and ("feminino" in erro.motivo)
            vistos[conhecido] += 1
    assert min(vistos[True], vistos[False]) > 20


def test_numero_errado(gramatica, historias):
    tipos, vistos = tipos_dos_valores(gramatica), 0
    for h in historias[:60]:
        tokens = WordTokenizer.split(h.texto)
        for i, formas, substantivo, conhecido in artigos(gramatica, h):
            categoria, _, indice = tipos[substantivo]
            ha_plural = any(v.indice == indice ^ 2 for v in gramatica.categorias[categoria])
            erro = recusa(gramatica, troca(tokens, i, formas[indice ^ 2]))
            assert erro.motivo.startswith("número") and erro.posicao == i + (ha_plural and not conhecido)
            vistos += 1
    assert vistos > 40


def trocas(gramatica, historia, qual):
    """Para cada valor dito mais de uma vez: (tokens com outro valor na menção `qual`, onde, tipo, certa, errada)."""
    tokens = WordTokenizer.split(historia.texto)
    for palavra in historia.lacunas.values():
        categoria, tipo, indice = tipos_dos_valores(gramatica)[palavra]
        valores = gramatica.categorias[categoria]
        valor = next(v for v in valores if v.palavra == palavra)
        outro = next(v for v in valores if v.palavra not in historia.lacunas.values() and v.indice == indice)
        formas = valor.formas or (palavra,)
        ditas = [i for i, t in enumerate(tokens) if t in formas]
        if palavra in FIXAS[historia.enredo]:      # «fez uma cama» não é menção do móvel «cama»
            continue
        if len(ditas) > 1 and len(set(formas)) in (1, 4):       # «azul» não diz em que gênero está
            i = ditas[qual]
            errada = (outro.formas or (outro.palavra,))[formas.index(tokens[i])]
            yield troca(tokens, i, errada), i, tipo, tokens[i], errada


def test_valor_trocado(gramatica, historias):
    """Nome, objeto, lugar, cor… que não é o do começo: o motivo diz o tipo, o que era e o que veio."""
    vistos = Counter()
    for h in historias[:300]:
        for tokens, i, tipo, certa, errada in trocas(gramatica, h, qual=1):
            erro = recusa(gramatica, tokens)
            assert erro.posicao == i
            assert erro.motivo == f"troca de {tipo}: a história falava de «{certa}», veio «{errada}»"
            vistos[tipo] += 1
    assert set(vistos) == set(gramatica.tipos.values())


def test_personagem_em_dois_papeis(escreve):
    """Onde os dois nomes vêm da mesma lista, o amigo não pode ter o nome do herói."""
    gramatica, vistos = escreve(PEQUENA), 0
    for h in gramatica.sortear(100, semente=1):
        nomes = [v for v in h.lacunas.values() if tipos_dos_valores(gramatica)[v][1] == "nome"]
        if len(nomes) < 2:
            continue
        tokens = WordTokenizer.split(h.texto)
        i = tokens.index(nomes[1])
        if nomes[0] in tokens[:i] and len({tipos_dos_valores(gramatica)[v][2] for v in nomes}) == 1:
            erro = recusa(gramatica, troca(tokens, i, nomes[0]))
            assert (erro.motivo, erro.posicao) == (f"«{nomes[0]}» já tem outro papel nesta história", i)
            vistos += 1
    assert vistos > 20


CONTRACOES = {"no": ("em", "o"), "na": ("em", "a"), "do": ("de", "o"), "da": ("de", "a"), "ao": ("a", "o"), "à": ("a", "a")}


def test_contracao_errada(gramatica, historias):
    vistas = Counter()
    for h in historias[:150]:
        tokens = WordTokenizer.split(h.texto)
        for i, token in enumerate(tokens):
            if token in CONTRACOES:
                erro = recusa(gramatica, troca(tokens, i, *CONTRACOES[token]))
                assert erro.motivo.startswith(f"contração: em vez de «{CONTRACOES[token][0]}»") and erro.posicao == i
                assert f"«{token}»" in erro.motivo
                vistas[token] += 1
    assert len(vistas) == len(CONTRACOES)


def test_palavra_a_menos(gramatica, historias):
    sorteio = random.Random(0)
    for h in historias[:200]:
        tokens = WordTokenizer.split(h.texto)
        i = sorteio.randrange(len(tokens) - 1)
        if tokens[i] != tokens[i + 1]:
            erro = recusa(gramatica, tokens[:i] + tokens[i + 1 :])
            assert erro.posicao == i and erro.motivo


def test_texto_cortado(gramatica, historias):
    for h in historias[:12]:
        tokens = WordTokenizer.split(h.texto)
        for n in range(1, len(tokens)):
            erro = recusa(gramatica, tokens[:n])
            assert "acabou antes da hora" in erro.motivo and erro.posicao == n
            assert f"«{tokens[n]}»" in erro.motivo or "outras" in erro.motivo or tokens[n] == "\n"


def test_texto_comprido_demais(gramatica, historias):
    for h in historias[:20]:
        tokens = WordTokenizer.split(h.texto)
        erro = recusa(gramatica, tokens + tokens[:5])
        assert "já tinha acabado" in erro.motivo and erro.posicao == len(tokens)


def test_abertura_desconhecida(gramatica, historias):
    erro = recusa(gramatica, "Xilofone " + historias[0].texto)
    assert "nenhuma história começa com «Xilofone»" in erro.motivo and erro.posicao == 0


@pytest.mark.parametrize("texto", ["", "   "])
def test_texto_vazio(gramatica, texto):
    erro = recusa(gramatica, texto)
    assert "vazio" in erro.motivo and erro.posicao == 0


@pytest.mark.parametrize("texto", [None, 3, ["Ana"]])
def test_o_que_nao_e_texto(gramatica, texto):
    with pytest.raises(TypeError, match="esperava um texto"):
        gramatica.analisar(texto)


def test_frase_de_outro_enredo(gramatica, historias):
    """A abertura de uma história com a continuação de outra."""
    vistos = 0
    for a, b in itertools.combinations(historias[:14], 2):
        if a.enredo != b.enredo:
            antes, depois = (WordTokenizer.split(h.texto) for h in (a, b))
            corte = antes.index(".") + 1
            erro = recusa(gramatica, antes[:corte] + depois[depois.index(".") + 1 :])
            assert erro.posicao >= corte and erro.motivo
            vistos += erro.motivo.startswith("esperava")
    assert vistos > 20


def test_maiuscula_faz_parte_da_palavra(gramatica, historias):
    vistos = 0
    for h in historias[:20]:
        tokens = WordTokenizer.split(h.texto)
        for i, token in enumerate(tokens):
            if token[0].isupper() and token not in h.lacunas.values():
                erro = recusa(gramatica, troca(tokens, i, token.lower()))
                assert erro.posicao == i and "esperava" in erro.motivo
                vistos += 1
    assert vistos > 40


# -- o boletim ----------------------------------------------------------------------------------------

def test_historias_certas_tiram_tudo(gramatica, historias):
    nota = gramatica.boletim(historias[:200], treino=historias[100:150])
    assert nota["novidade"] == 0.75
    assert all(valor == 1 for linha, valor in nota.notas.items() if linha != "novidade")
    assert not any(nota.sem_juizo.values()) and nota.historias == nota.casos["derivável"] == 200
    assert {"derivável", "concordância", "novidade", "mantém nome", "mantém objeto", "mantém lugar"} <= set(nota.notas)
    assert "novidade" not in historinhas.boletim([historias[0].texto]).notas


def test_troca_derruba_so_a_sua_linha(gramatica, historias):
    vistos = Counter()
    for h in historias[:120]:
        for tokens, _, tipo, _, _ in trocas(gramatica, h, qual=-1):
            nota = gramatica.boletim([WordTokenizer.join(tokens)])
            caiu = {"derivável", f"mantém {tipo}"}
            assert all(valor == (linha not in caiu) for linha, valor in nota.notas.items()) and caiu <= set(nota.notas)
            vistos[tipo] += 1
    assert set(vistos) == set(gramatica.tipos.values())


def test_genero_errado_derruba_so_a_concordancia(gramatica, historias):
    tipos, vistos = tipos_dos_valores(gramatica), 0
    for h in historias[:60]:
        tokens = WordTokenizer.split(h.texto)
        for i, formas, substantivo, _ in artigos(gramatica, h):
            nota = gramatica.boletim([WordTokenizer.join(troca(tokens, i, formas[tipos[substantivo][2] ^ 1]))])
            casos = nota.casos["concordância"]
            assert nota["derivável"] == 0 and nota["concordância"] == pytest.approx(1 - 1 / casos)
            assert all(v == 1 for linha, v in nota.notas.items() if linha.startswith("mantém"))
            vistos += 1
    assert vistos > 40


def test_o_que_nao_se_julga_conta_como_errado_e_aparece(gramatica, historias):
    salada = WordTokenizer.split(historias[0].texto)
    random.Random(0).shuffle(salada)
    nota = gramatica.boletim([WordTokenizer.join(salada), ""])
    mantidos = [linha for linha in nota.notas if linha.startswith("mantém")]
    assert len(mantidos) == len(set(gramatica.tipos.values()))
    assert all(nota[linha] == 0 and nota.sem_juizo[linha] == 1 for linha in mantidos)
    assert nota["derivável"] == 0 and nota.sem_juizo["derivável"] == 0
    assert nota.sem_juizo["concordância"] > 0
    assert all(nota[linha] + nota.sem_juizo[linha] <= 1 for linha in nota.notas)
    assert gramatica.boletim([""]).sem_juizo["concordância"] == 1


def test_a_concordancia_nao_precisa_do_leitor(gramatica):
    """Só o léxico: julga também frases que gramática nenhuma escreveria."""
    por_indice = {v.indice: v.palavra for v in gramatica.categorias["brinquedo"]}
    for texto, certo in ((f"o {por_indice[0]} xyz", True), (f"a {por_indice[0]} xyz", False), (f"uma {por_indice[1]}", True),
                         (f"os {por_indice[1]}", False), ("o xyz", None)):
        assert [juizo for _, juizo, _ in gramatica.concordancias(texto)] == [certo]


def test_o_boletim_se_imprime(gramatica, historias):
    texto = str(gramatica.boletim([historias[0].texto, "salada"]))
    assert texto.startswith("boletim de 2 histórias")
    assert "50,0%" in texto and "sem juízo: 50,0%" in texto and "." not in texto


def test_boletim_de_nada(gramatica):
    with pytest.raises(ValueError, match="lista vazia"):
        gramatica.boletim([])
    with pytest.raises(TypeError, match="lista de textos"):
        gramatica.boletim("um texto só")


# -- o excesso ----------------------------------------------------------------------------------------

class Oraculo(torch.nn.Module):
    """Um «modelo» que responde as probabilidades exatas da gramática pequena, ou todas iguais."""

    def __init__(self, tokenizer, probabilidades=None):
        super().__init__()
        self.config = GPTConfig(vocab_size=tokenizer.vocab_size, context_length=64, d_model=4, n_heads=1, n_layers=1)
        self.peso = torch.nn.Parameter(torch.zeros(()))
        self.depois = {}       # começo -> quanta probabilidade segue por cada token
        for texto, p in (probabilidades or {}).items():
            ids = (tokenizer.fim, *tokenizer.encode(texto), tokenizer.fim)
            for n in range(1, len(ids)):
                self.depois.setdefault(ids[:n], Counter())[ids[n]] += p

    def forward(self, idx, targets):
        logits = torch.zeros(*idx.shape, self.config.vocab_size, dtype=torch.float64)
        for b, linha in enumerate(idx.tolist()):
            for n in range(1, len(linha) + 1):
                if seguintes := self.depois.get(tuple(linha[:n])):
                    logits[b, n - 1] = -1e9
                    for token, p in seguintes.items():
                        logits[b, n - 1, token] = math.log(p)
        return logits, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-100)


def test_o_excesso_da_propria_gramatica_e_zero(escreve, enumeradas):
    sorteadas = escreve(PEQUENA).sortear(40)
    tokenizer = WordTokenizer(enumeradas)
    assert historinhas.excesso(Oraculo(tokenizer, enumeradas), tokenizer, sorteadas) == pytest.approx(0, abs=1e-9)
    tokens = sum(len(tokenizer.encode(h.texto)) + 1 for h in sorteadas)
    falta = math.log(tokenizer.vocab_size) + sum(h.log_prob for h in sorteadas) / tokens
    assert historinhas.excesso(Oraculo(tokenizer), tokenizer, sorteadas) == pytest.approx(falta, abs=1e-9)
    with pytest.raises(TypeError, match="sortear"):
        historinhas.excesso(Oraculo(tokenizer), tokenizer, [h.texto for h in sorteadas])


# -- a turma na história ------------------------------------------------------------------------------

def test_nomes_da_turma():
    turma = Gramatica(nomes={"f": ["Yara", "Ana-Clara"], "m": ["Noah", "Joa\u0303o"]})
    historias = turma.sortear(300)
    nomes = {h.lacunas["heroi"] for h in historias if "heroi" in h.lacunas}
    amigos = {h.lacunas.get("amigo", h.lacunas.get("rival")) for h in historias} - {None}
    assert nomes == {"Yara", "Ana-Clara", "Noah", "João"}
    assert amigos == {v.palavra for v in historinhas.padrao().categorias["amigo"]}
    confere_leitura(turma, historias)
    assert turma.limite() < historinhas.limite() and turma.assinatura != historinhas.padrao().assinatura


def test_palavras_da_turma():
    brinquedos, cores = {"f": ["bicicleta"], "m": ["patinete"]}, ["lilás lilás lilases lilases", "preto preta pretos pretas"]
    turma = Gramatica(palavras={"brinquedo": brinquedos, "cor": cores})
    historias = turma.sortear(300)
    assert any("bicicleta" in h.texto for h in historias) and any("lilás" in h.texto for h in historias)
    confere_leitura(turma, historias)


def test_quem_a_turma_tem_nao_e_amigo_de_si_mesmo():
    """Um nome da turma que o arquivo dá a amigos passa a ser só de quem a história é; e um nome só já basta."""
    turma = Gramatica(nomes={"f": ["Alice"]})
    historias = turma.sortear(200)
    assert {h.lacunas["heroi"] for h in historias if "heroi" in h.lacunas} == {"Alice"}
    assert "Alice" not in {v for h in historias for lacuna, v in h.lacunas.items() if lacuna != "heroi"}
    confere_leitura(turma, historias)


@pytest.mark.parametrize(("nomes", "palavras", "pistas"), [
    ({"f": ["Ana Clara", "Bia"]}, None, ["Ana Clara", "uma palavra só", "hífen"]),
    ({"f": ["Ana", "Bia"], "m": ["Ana"]}, None, ["«Ana»", "duas vezes"]),
    ({"feminino": ["Ana", "Bia"]}, None, ["«feminino»", "«m»", "«f»"]),
    ({"f": ["Ana", "Bia"], "mp": ["Gêmeos"]}, None, ["«mp»", "«m»", "«f»"]),
    ({"f": "Ana"}, None, ["lista", "Ana"]),
    ({"f": ["Ana", 7]}, None, ["texto", "7"]),
    ({"f": ["ana", "Bia"]}, None, ["«ana»", "maiúscula"]),
    ({"f": ["", "Bia"]}, None, ["uma palavra só"]),
    (["Ana", "Bia"], None, ["tabela", "Ana"]),
    ({"f": ["Era", "Bia"]}, None, ["«nome»", "«Era»", "palavra das frases"]),
    ({}, None, ["«nome»", "tem 0"]),
    (None, {"brinqedo": {"m": ["patinete"]}}, ["«brinqedo»", "Seria «brinquedo»?"]),
    (None, {"brinquedo": {"mp": ["patins"]}}, ["«mp»", "«m»", "«f»"]),      # «os patins caiu»
    (None, {"cor": ["preto preta"]}, ["«preto preta»", "2 formas", "4"]),
    (None, ["patinete"], ["palavras", "patinete"]),
])
def test_turma_errada(nomes, palavras, pistas):
    with pytest.raises(GramaticaInvalida) as erro:
        Gramatica(nomes=nomes, palavras=palavras)
    assert all(pista in str(erro.value) for pista in pistas), str(erro.value)
    assert not re.search(r"linha|\[\w+\.\w+\]|\[\[", str(erro.value))       # o arquivo está certo: o erro é da lista da turma


# -- erros no arquivo: o enredo, a frase, a lacuna --------------------------------------------------------

def primeira_frase(padrao, escolhe=lambda frase: True):
    """(enredo, frase) com o padrão, do segundo enredo em diante, numa frase que o arquivo escreve uma só vez."""
    for enredo in DADOS["enredo"][1:]:
        for frase in itertools.chain(*enredo["passos"]):
            if re.search(padrao, frase) and FONTE.count(f'"{frase}"') == 1 and escolhe(frase):
                return enredo, frase
    raise AssertionError(f"nenhuma frase do arquivo tem {padrao}")


def recusado(escreve, fonte, onde, *pistas):
    """A mensagem começa por dizer o lugar e cita o que se procura no arquivo."""
    with pytest.raises(GramaticaInvalida) as erro:
        escreve(fonte)
    mensagem = str(erro.value)
    assert mensagem.startswith(onde), (onde, mensagem)
    assert all(pista in mensagem for pista in pistas), mensagem


def citada(frase):
    """A frase como a mensagem a mostra: de uma comprida, o começo."""
    return f"«{frase[:100]}{'…' * (len(frase) > 100)}»"


def no_passo(enredo, frase):
    """O lugar da frase no enredo, como a mensagem o diz."""
    return f"enredo «{enredo['nome']}», passo {next(i for i, passo in enumerate(enredo['passos'], 1) if frase in passo)}"


@pytest.mark.parametrize(("padrao", "errado", "pistas"), [
    (r"\{(\w+)\}", r"{\1x}", ["lacuna «{1}x»", "Seria «{1}»?"]),
    (r"\{um (\w+)\}", r"{umm \1}", ["lacuna «{1}»", "«umm»", "[concorda]", "Seria «um»?"]),
    (r"\{(\w+)\}", r"{\1", ["chave"]),
    (r"\{(\w+)\}", r"\1}", ["chave"]),
    (r"\{(\w+)\}", r"{}", ["lacuna «»"]),
    (r"\{(\w+)\}", r"{o o \1}", ["lacuna «o o {1}»"]),
    (r"\{cor (\w+)\}", r"{o cor}", ["lacuna «cor»", "adjetivos"]),
    (r"\{(\w+)\} ", r"{\1}", ["espaços"]),
    (r" \{(\w+)\}", r"  {\1}", ["espaços"]),
    (r"\{(\w+)\}\.$", r"d'água {\1}.", ["espaços", "apóstrofos"]),
])
def test_chaves_erradas(escreve, padrao, errado, pistas):
    enredo, frase = primeira_frase(padrao)
    achado = re.search(padrao, frase)
    nova = frase[: achado.start()] + achado.expand(errado) + frase[achado.end() :]
    fonte = FONTE.replace(f'"{frase}"', f'"{nova}"')
    pistas = [p.replace("{1}", achado[1]) for p in pistas]
    recusado(escreve, fonte, no_passo(enredo, frase), citada(nova), *pistas)


def test_o_lugar_e_o_da_frase_deste_enredo(escreve):
    """A mesma frase também está noutro enredo, onde está certa: a mensagem diz o enredo do erro."""
    fonte = PEQUENA.replace("Fim de {heroi}.", "Fim.\", \"Havia {heroi}.").replace("Havia {bicho}", "Havia {heroi}")
    recusado(escreve, fonte, "enredo «o bicho», passo 1, frase «Havia {heroi}.»", "lacuna «heroi»")


def test_frase_ambigua(escreve):
    enredo, frase = primeira_frase(r"^[A-Z]")
    fonte = FONTE.replace(f'"{frase}"', f'"{frase}",\n   "{frase}"')
    recusado(escreve, fonte, f"enredo «{enredo['nome']}»: {citada(frase)} pode se confundir com {citada(frase)}")


def test_abertura_ambigua_entre_enredos(escreve):
    abertura = "Era {um bicho} {bicho} {cor bicho}."
    fonte = PEQUENA.replace("{heroi} viu {um bicho} {bicho} {cor bicho}.", abertura + " {heroi} viu.")
    recusado(escreve, fonte, f"enredo «o bicho»: «{abertura}» pode se confundir com «{abertura} {{heroi}} viu.»")


def test_lacuna_nunca_escrita(escreve):
    enredo, frase = primeira_frase(r"\.$")
    lacunas = FONTE.index("lacunas = {", FONTE.index(f'"{enredo["nome"]}"'))
    com_lacuna = FONTE[:lacunas] + FONTE[lacunas:].replace("lacunas = {", 'lacunas = { vizinho = "bicho",', 1)
    recusado(escreve, com_lacuna, f"enredo «{enredo['nome']}», lacuna «vizinho»: nenhuma frase")
    nova = f"{frase[:-1]}, {{o vizinho}}."
    fonte = com_lacuna.replace(f'"{frase}"', f'"{nova}"')
    recusado(escreve, fonte, f"enredo «{enredo['nome']}», frase {citada(nova)}, lacuna «vizinho»", "nunca é escrito")


def test_artigo_fixo_que_discorda(escreve):
    """«o árvore» é recusado mesmo sem lacuna no meio."""
    femininos = DADOS["substantivos"]["f"]
    padrao = rf"\b(na|uma|a|da)\b (?:{'|'.join(femininos)})\b"
    enredo, frase = primeira_frase(padrao)
    artigo = re.search(padrao, frase)
    outro = {"na": "no", "uma": "um", "a": "o", "da": "do"}[artigo[1]]
    nova = frase[: artigo.start(1)] + outro + frase[artigo.end(1) :]
    fonte = FONTE.replace(f'"{frase}"', f'"{nova}"')
    recusado(escreve, fonte, f"enredo «{enredo['nome']}», frase {citada(nova)}, palavra «{outro}»", "não concorda")


def test_substantivo_fora_do_lexico(escreve):
    fonte = PEQUENA.replace("Fim de {heroi}.", "Fim de um conto de {heroi}.")
    recusado(escreve, fonte, "enredo «a visita», frase «Fim de um conto de {heroi}.», palavra «um»", "[substantivos]")


def no_ultimo(trecho, novo):
    """A troca feita no último enredo do arquivo."""
    lugar = FONTE.index(trecho, FONTE.rindex("[[enredo]]"))
    return FONTE[:lugar] + FONTE[lugar:].replace(trecho, novo, 1)


@pytest.mark.parametrize(("trecho", "novo", "pistas"), [
    ('= "nome"', '= "nomi"', ["lacuna «", "«nomi»", "Seria «nome»?"]),
    ("lacunas = {", "lacuna = {", ["falta «lacunas»"]),
    ("passos = [", "pasos = [", ["falta «passos»"]),
    ("passos = [", 'passos = "tudo"\nresto = [', ["«passos»", "uma lista", "tudo"]),
    ("passos = [", "passos = []\nresto = [", ["passo sem frases"]),
    ("passos = [", "passos = [ [],", ["passo sem frases"]),
    ("passos = [", 'passos = [ "Era uma vez.",', ["passo 1", "uma lista", "Era uma vez"]),
    ("passos = [", "passos = [ [3],", ["passo 1", "texto", "3"]),
    ("passos = [", 'passos = [ [""],', ["passo 1", "frase vazia"]),
    ("lacunas = {", 'lacunas = { medroso = "nome",', ["lacuna «medroso»", "[concorda]"]),
    ("lacunas = {", "lacunas = { x = 3,", ["lacuna «x»", "texto", "3"]),
])
def test_enredo_errado(escreve, trecho, novo, pistas):
    recusado(escreve, no_ultimo(trecho, novo), f"enredo «{DADOS['enredo'][-1]['nome']}»", *pistas)


def test_enredo_sem_nome(escreve):
    recusado(escreve, no_ultimo("nome =", "titulo ="), f"{len(DADOS['enredo'])}º [[enredo]]: falta «nome»")


@pytest.mark.parametrize(("trecho", "novo", "onde", "pistas"), [
    ('o = "o a os as"', 'o = "o a os"', "[concorda.antes] o", ["«o a os»", "3 formas"]),
    ('o = "o a os as"', 'o = "o, a os as"', "[concorda.antes] o", ["«o,»"]),
    ('o = "o a os as"', "o = 4", "[concorda.antes] o", ["texto", "4"]),
    ("[concorda.depois]", "[concorda.dpois]", "[concorda.dpois]", ["Seria «depois»?"]),
    ('tipo = "bicho"\n', "", "[palavras.bicho]", ["falta «tipo»"]),
    ('"gato"', '"gato bravo"', "[palavras.bicho]", ["«gato bravo»", "palavra só"]),
    ('"gato"', '"arara"', "[palavras.bicho]", ["«arara»", "duas vezes"]),
    ('"gato"', "7", "[palavras.bicho], «m»", ["texto", "7"]),
    ('m = ["gato"]', 'm = "gato"', "[palavras.bicho], «m»", ["lista", "gato"]),
    ('fp = ["cutias"]', 'pf = ["cutias"]', "[palavras.bicho]", ["«pf»"]),
    ('"gato"', '"ele"', "«bicho»", ["«ele»", "duas regras"]),
    ('calmo = "calmo', 'calmo = "uma', "[concorda.depois] calmo", ["«uma»", "duas regras"]),
    ('"azul azul azuis azuis"', '"azul azul"', "[adjetivos.cor]", ["«azul azul»", "2 formas"]),
    ('"azul azul azuis azuis"', '"roxo azul azuis azuis"', "[adjetivos.cor]", ["«roxo azul azuis azuis»", "repete"]),
    ('m = ["dia"]', 'n = ["dia"]', "[substantivos]", ["«n»"]),
    ('"Caio"', '"caio"', "[palavras.nome]", ["«caio»", "maiúscula"]),
])
def test_palavras_erradas(escreve, trecho, novo, onde, pistas):
    assert trecho in PEQUENA
    recusado(escreve, PEQUENA.replace(trecho, novo, 1), onde, *pistas)


@pytest.mark.parametrize("chave", ["palavras", "concorda", "substantivos", "enredo"])
def test_falta_uma_parte_inteira(escreve, chave):
    with pytest.raises(GramaticaInvalida, match=f"turma.toml: falta «{chave}»"):
        escreve(re.sub(rf"(?m)^(\[+){chave}", r"\1outra", PEQUENA))


def test_dois_enredos_com_o_mesmo_nome(escreve):
    with pytest.raises(GramaticaInvalida, match="mesmo nome: a visita"):
        escreve(PEQUENA.replace('nome = "o bicho"', 'nome = "a visita"'))


def test_caminhos_demais(escreve):
    passo = ", ".join(f'"{palavra}."' for palavra in ("Um", "Dois", "Três", "Quatro"))
    fonte = PEQUENA.replace('  ["Fim de {heroi}."],', f"  [{passo}],\n" * 6 + '  ["Fim de {heroi}."],')
    recusado(escreve, fonte, "enredo «a visita»", "caminhos")


def test_toml_invalido(escreve):
    enredo, frase = primeira_frase(r"\.$")
    fonte = FONTE.replace(f'"{frase}"', f'"{frase}')
    linha = FONTE[: FONTE.index(f'"{frase}"')].count("\n") + 1
    recusado(escreve, fonte, f"linha {linha}: enredo «{enredo['nome']}»", "TOML")
    recusado(escreve, PEQUENA + "[[enredo]", f"linha {PEQUENA.count(chr(10)) + 1}: ", "TOML")


def test_arquivo_que_nao_se_le(tmp_path):
    with pytest.raises(GramaticaInvalida, match="não achei o arquivo"):
        Gramatica(arquivo=tmp_path / "nada.toml")
    (tmp_path / "velho.toml").write_bytes("á".encode("latin-1") + PEQUENA.encode())
    with pytest.raises(GramaticaInvalida, match="UTF-8"):
        Gramatica(arquivo=tmp_path / "velho.toml")
    (tmp_path / "bloco_de_notas.toml").write_text(PEQUENA.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    assert Gramatica(arquivo=tmp_path / "bloco_de_notas.toml").limite() > 0


def test_estragos_ao_acaso(escreve):
    """Linhas, letras e pedaços tirados ou trocados: sempre uma gramática que se lê de volta, ou a recusa com frase."""
    sorteio, validas = random.Random(5), 0
    for _ in range(300):
        fonte = PEQUENA
        for _ in range(sorteio.randint(1, 2)):
            linhas = fonte.split("\n")
            i, j = sorteio.randrange(len(linhas)), sorteio.randrange(len(fonte))
            fonte = sorteio.choice([
                "\n".join(linhas[:i] + linhas[i + 1 :]),
                "\n".join([*linhas[: i + 1], *linhas[i:]]),
                fonte[:j] + fonte[j + 1 :],
                fonte[:j] + sorteio.choice('"{}[]=,. aé3\\') + fonte[j + 1 :],
                fonte[:j] + fonte[j + sorteio.randint(2, 12) :],
            ])
        try:
            turma = escreve(fonte)
        except GramaticaInvalida as erro:
            assert len(str(erro)) > 20
        else:
            validas += 1
            for h in turma.sortear(min(5, turma.historias)):
                assert turma.analisar(h.texto) == h and isinstance(h, Historinha)
            assert turma.limite() >= 0
    assert 20 < validas < 280


# -- gramáticas hostis: recusadas num instante, com o lugar quando há um ----------------------------------------

def letras(i):
    return "".join(chr(97 + int(c)) for c in str(i))


def muitas(quantas, molde):
    return ", ".join(f'"{molde.format(letras(i))}"' for i in range(quantas))


FIM = '["Fim de {heroi}."],'
HOSTIS = {
    "listas": (PEQUENA + "x = " + "[" * 3000, "linha 38: .*umas dentro das outras"),
    "listas, uma por linha": (PEQUENA + "x = " + "[\n" * 3000, "linha 58: .*umas dentro das outras"),
    "tabelas na linha": (PEQUENA + "x = " + "{a = " * 3000, "linha 38: .*umas dentro das outras"),
    "pontos": (PEQUENA + "x" + ".a" * 20_000 + " = 1", "linha 38: .*umas dentro das outras"),
    "cabeçalho": (PEQUENA + "[x" + ".a" * 20_000 + "]", "linha 38: .*umas dentro das outras"),
    "onde se espera um texto": (PEQUENA.replace('"dia"', "[" * 9 + "]" * 9), r"^\[substantivos\], «m»: esperava um texto"),
    "entre aspas que enganam": (PEQUENA + "x = ['''a'b''', " + "[" * 3000 + "]" * 3000 + ", '''c''']", "umas dentro das outras"),
    "passo de 8.000 frases": (PEQUENA.replace(FIM, "[" + muitas(8000, "{{heroi}} foi{}.") + "],"), "^enredo «a visita», passo 3: .* 8000"),
    "3.000 enredos": (PEQUENA + "".join(f'[[enredo]]\nnome="e{i}"\nlacunas={{}}\npassos=[["Z{letras(i)}."]]\n' for i in range(3000)), "são 3002 enredos"),
    "300 enredos": (PEQUENA + "".join(f'[[enredo]]\nnome="e{i}"\nlacunas={{}}\npassos=[["Z{letras(i)}."]]\n' for i in range(297)), "aberturas dos enredos são 302 frases"),
    "9.000 passos": (PEQUENA.replace(FIM, FIM * 9000), "^enredo «a visita»: são 9002 passos"),
    "passos compridos": (PEQUENA.replace(FIM, f'["Fim{" dia" * 80} de {{heroi}}."],' * 20), "^enredo «a visita»: são mais de 1000 tokens"),
    "passos com duas frases": (PEQUENA.replace(FIM, '["Fim de {heroi}.", "Foi {heroi}."],' * 300), "são mais de 10000 caminhos"),
    "caminhos compridos": (PEQUENA.replace(FIM, f'["Fim{" dia" * 80} de {{heroi}}.", "Foi {{heroi}}."],' * 11), "são mais de 1000000 tokens"),
    "palavras": (PEQUENA.replace('"Caio"', muitas(15_000, "C{}")), r"^\[palavras.nome\], «m»: .* 15000"),
    "cores": (PEQUENA.replace('"roxo roxa roxos roxas"', ", ".join(f'"{letras(i)}o {letras(i)}a {letras(i)}os {letras(i)}as"' for i in range(5000))), "5001"),
    "lacunas": (PEQUENA.replace('cor = "cor" }', 'cor = "cor", ' + ", ".join(f'l{i} = "nome"' for i in range(9000)) + " }", 1), "pede 9002 valores"),
    "palavra gigante": (PEQUENA.replace("gato", "g" * 150_000), r"^\[palavras.bicho\]: .* 150000 letras"),
    "frase gigante": (PEQUENA.replace("Fim de", "Fim" + " de" * 60_000), "^enredo «a visita», passo 3: .* 180012 letras"),
    "chaves": (PEQUENA.replace("Fim de", "{" * 150_000), "^enredo «a visita», passo 3: .* 150009 letras"),
    "lema gigante": (PEQUENA.replace('o = "o a', "o" * 150_000 + ' = "o a'), r"^\[concorda.antes\]: .* 150000 letras"),
    "acentos empilhados": (PEQUENA.replace("gato", "g" + "\u0327\u0301" * 40_000), "acentos empilhados"),
    "acentos em código": (PEQUENA.replace("gato", "g" + r"\u0327\u0301" * 15_000), "acentos empilhados"),
    "número gigante": (PEQUENA + "x = " + "9" * 150_000, "dígitos demais"),
    "sinal que não se imprime": (PEQUENA.replace("Fim de", r"Fim\u202e de"), "^enredo «a visita», passo 3: .*não se imprime"),
}


@pytest.mark.parametrize("qual", HOSTIS)
def test_gramatica_hostil_e_recusada_num_instante(escreve, qual):
    fonte, frase = HOSTIS[qual]
    inicio = time.process_time()
    with pytest.raises(GramaticaInvalida, match=frase) as erro:
        escreve(fonte)
    assert time.process_time() - inicio < 1
    assert len(str(erro.value)) < 400 and str(erro.value).isprintable()


@pytest.mark.parametrize("arquivo", [None, 5, b"turma.toml", ["turma.toml"], "nada.toml", ".", "com\0zero", "x" * 5000, "enorme.toml", "/dev/zero", "cano"])
def test_arquivo_de_gramatica_que_nao_serve(tmp_path, monkeypatch, arquivo):
    monkeypatch.chdir(tmp_path)
    with open("enorme.toml", "wb") as enorme:
        enorme.truncate(10**10)
    if hasattr(os, "mkfifo"):
        os.mkfifo("cano")
    inicio = time.process_time()
    with pytest.raises(GramaticaInvalida, match="não achei o arquivo|esperava o caminho|mil bytes") as erro:
        Gramatica(arquivo=arquivo)
    assert time.process_time() - inicio < 1 and len(str(erro.value)) < 400 and str(erro.value).isprintable()


# -- a turma, de qualquer jeito que ela escreva ------------------------------------------------------------------

def decomposto(texto):
    return unicodedata.normalize("NFD", texto)


def test_acentos_decompostos_valem_em_todo_lugar(escreve):
    """Nomes, categorias, chaves, lacunas, lemas e frases: em NFD, ou escritos em código, a gramática é a mesma."""
    fonte = PEQUENA.replace("[palavras.bicho]", '[palavras."animália"]').replace('"bicho"', '"animália"').replace("calmo =", '"sábio" =')
    fonte = fonte.replace("calmo calma calmos calmas", "sábio sábia sábios sábias").replace("{calmo heroi}", "{sábio heroi}").replace("arara", "águia")
    em_codigo = re.sub("[áâãéêíóôõúç]", lambda m: "".join(rf"\u{ord(c):04x}" for c in decomposto(m[0])), fonte)
    assert decomposto(fonte) != fonte and r"\u0301" in em_codigo
    inteira = escreve(fonte).sortear(30)
    assert escreve(decomposto(fonte)).sortear(30) == inteira == escreve(em_codigo).sortear(30)
    palavras = {decomposto("animália"): {"f": [decomposto("águia"), decomposto("lebrê")]}}
    turma = escreve(decomposto(fonte), nomes={"f": [decomposto("Noêmia"), decomposto("Lúcia")]}, palavras=palavras)
    escritas = {valor for h in turma.sortear(24) for valor in h.lacunas.values()}
    assert {"Noêmia", "Lúcia", "águia", "lebrê"} <= escritas
    assert turma.analisar(decomposto(turma.sortear(1)[0].texto)) == turma.sortear(1)[0]
    with pytest.raises(GramaticaInvalida, match="duas chaves"):
        escreve(fonte, palavras={"animália": {"f": ["águia"]}, decomposto("animália"): {"f": ["lebrê"]}})


NAO_SAO_NOMES = [["Ana"], "Ana", 5, 2.5, b"Ana", {"Ana", "Bia"}, iter(["Ana"]), {1: ["Ana"]}, {None: ["Ana"]}, {("f",): ["Ana"]}, {"f": None},
                 {"f": iter(["Ana"])}, {"f": (n for n in ["Ana"])}, {"f": {"a": {"b": 1}}}, {"f": b"Ana"}, {"f": [b"Ana"]}, {"f": [None, "Ana"]}, {"f": [["Ana"]]},
                 {"f": numpy.array(["Ana", "Bia"])}, {"f": torch.zeros(2)}, {"tipo": ["Ana"]}, {"f": ["A" * 10**6]}, {"f": ["Ana\ud800"]}, {"f": ["Ana\n"]},
                 {"f": [f"A{letras(i)}" for i in range(600)]}, {"f": ["A" + "\u0301\u0327" * 10**5]}]


@pytest.mark.parametrize("errado", NAO_SAO_NOMES, ids=lambda v: type(v).__name__)
def test_nomes_e_palavras_de_outro_tipo(errado):
    for argumentos in ({"nomes": errado}, {"palavras": errado if not isinstance(errado, dict) else {"nome": errado}}):
        with pytest.raises(GramaticaInvalida) as erro:
            Gramatica(**argumentos)
        assert 20 < len(str(erro.value)) < 400 and str(erro.value).isprintable()


def test_listas_que_dao_voltas_em_si_mesmas_sao_recusadas():
    volta = []
    volta.append(volta)
    with pytest.raises(GramaticaInvalida, match="umas dentro das outras"):
        Gramatica(nomes={"f": volta})


def test_textos_do_numpy_servem():
    turma = Gramatica(nomes={"f": [numpy.str_("Bia"), numpy.str_("Iara")], "m": (numpy.str_("Noah"),)})
    assert {type(v.palavra) for v in turma.categorias["nome"]} == {str} and turma.analisar(turma.sortear(1)[0].texto)


# -- sortear, ler e dar nota: o que não é o que se espera ----------------------------------------------------------

@pytest.mark.parametrize(("n", "semente"), [(True, 0), (False, 0), (2.0, 0), (math.nan, 0), ([2], 0), (10**7, 0), (1, True), (1, -1), (1, 2.0), (1, None),
                                            (1, "a"), (1, math.inf), (1, [0])])
def test_o_que_nao_se_sorteia(gramatica, n, semente):
    estado = random.getstate()
    with pytest.raises(ValueError, match=r"(n|semente) veio .*; esperava um inteiro"):
        gramatica.sortear(n, semente)
    assert random.getstate() == estado


def test_inteiros_do_numpy_servem(gramatica):
    assert gramatica.sortear(numpy.int64(3), numpy.int64(4)) == gramatica.sortear(3, 4)


NAO_SAO_TEXTOS = [None, 5, 2.5, b"Ana", True, ["Ana"], ("Ana",), {"a": 1}, iter(["Ana"]), torch.zeros(3), torch.tensor(1)]


@pytest.mark.parametrize("errado", NAO_SAO_TEXTOS, ids=lambda v: type(v).__name__)
def test_o_que_nao_e_um_texto(gramatica, errado):
    with pytest.raises(TypeError, match="esperava um texto"):
        gramatica.analisar(errado)


@pytest.mark.parametrize("errado", [None, 5, b"Ana", {"Ana": 1}, [None], ["Ana", 3], [b"Ana"], [["Ana"]], torch.zeros(3), torch.tensor(1), numpy.zeros(2)],
                         ids=lambda v: type(v).__name__)
def test_o_que_nao_e_uma_fila_de_textos(gramatica, errado):
    pedidos = [gramatica.boletim, gramatica.concordancias]
    if errado is not None:                                # sem treino, a novidade não se mede
        pedidos.append(lambda e: gramatica.boletim(["Ana"], treino=e))
    for pedir in pedidos:
        with pytest.raises(TypeError, match=r"; (passe uma lista de textos|esperava um texto ou uma historinha)\.$"):
            pedir(errado)


def test_um_texto_so_no_lugar_do_treino(gramatica):
    """Um texto é uma fila de letras, e a novidade sairia sempre 100%."""
    with pytest.raises(TypeError, match="em treino recebi um texto só"):
        gramatica.boletim(["Ana"], treino="Ana")


def test_o_boletim_aceita_geradores_e_acentos_decompostos(gramatica, historias):
    textos = [h.texto for h in historias[:20]]
    esperado = gramatica.boletim(textos, treino=textos)
    assert esperado["novidade"] == 0
    assert gramatica.boletim((decomposto(t) for t in textos), treino=(h for h in historias[:20])) == esperado


def test_textos_repetidos_contam_cada_vez(gramatica, historias):
    nota = gramatica.boletim([historias[0].texto] * 3 + ["salada"])
    assert nota.historias == nota.casos["derivável"] == 4 and nota["derivável"] == 0.75


@pytest.mark.parametrize("errado", [None, "Ana", 5, [None], [("Ana", -1.0)], (h for h in []), {}, [], [Historinha("Ana", None)], [Historinha(3, -1.0)],
                                    [Historinha("Ana", math.nan)]], ids=lambda v: type(v).__name__)
def test_excesso_do_que_nao_saiu_do_sorteio(escreve, enumeradas, errado):
    tokenizer = WordTokenizer(enumeradas)
    with pytest.raises((TypeError, ValueError), match="sortear|zero historinhas"):
        historinhas.excesso(Oraculo(tokenizer, enumeradas), tokenizer, errado)


def test_excesso_com_outro_tokenizador(escreve, enumeradas):
    sorteadas, tokenizer = escreve(PEQUENA).sortear(4), WordTokenizer(enumeradas)
    with pytest.raises(ValueError, match="use o que o treinou"):
        historinhas.excesso(Oraculo(tokenizer, enumeradas), WordTokenizer([*enumeradas, "outra palavra"]), sorteadas)
    for errado in (None, "palavras", 5):
        with pytest.raises(TypeError, match="esperava um WordTokenizer"):
            historinhas.excesso(Oraculo(tokenizer, enumeradas), errado, sorteadas)


# -- o boletim num tempo que só cresce com o texto -------------------------------------------------------------------

def concordancias_devagar(gramatica, tokens):
    """As três regras ao pé da letra, procurando em toda parte: (posição, alvo ou None)."""
    palavras = [t if t in gramatica.regra else t.lower() for t in tokens]
    regras = [gramatica.regra.get(p, "") for p in palavras]
    nominal = [r in ("nome", "substantivo", "pessoa") for r in regras]
    for i, regra in enumerate(regras):
        if regra == "antes":
            alvo = next((j for j in range(i + 1, len(tokens)) if regras[j] not in ("antes", "depois")), None)
            yield i, alvo if alvo is not None and nominal[alvo] else None
        elif regra == "depois":
            yield i, next((j for j in range(i - 1, -1, -1) if nominal[j]), None)
        elif regra == "pessoa":
            nomes = [j for j, r in enumerate(regras) if r == "nome"]
            yield i, next((j for j in reversed(nomes) if j < i), nomes[0] if nomes else None)


def test_as_concordancias_sao_as_das_tres_regras(gramatica):
    sorteio, palavras = random.Random(0), [*gramatica.regra, ".", "xyz", "Ele"]
    for _ in range(400):
        tokens = [sorteio.choice(palavras) for _ in range(sorteio.randrange(25))]
        esperadas = [(i, alvo is not None, alvo) for i, alvo in concordancias_devagar(gramatica, tokens)]
        lidas = gramatica.concordancias(WordTokenizer.join(tokens))
        assert [(i, certo is not None) for i, certo, _ in lidas] == [e[:2] for e in esperadas]
        assert all(f"«{tokens[alvo]}»" in porque for (_, _, porque), (_, _, alvo) in zip(lidas, esperadas, strict=True) if alvo is not None)


@pytest.mark.parametrize("texto", ["o " * 30_000, "velho " * 30_000, "o velho " * 15_000, "ele " * 15_000 + "Ana " * 15_000, "Ana ele " * 15_000, "xyz" * 300_000],
                         ids=lambda v: v[:8])
def test_o_boletim_nao_e_quadratico(gramatica, texto):
    """Trinta mil tokens: no código de antes, de 3 a 25 s."""
    inicio = time.process_time()
    gramatica.boletim([texto])
    assert time.process_time() - inicio < 1


def test_acentos_empilhados_no_texto(gramatica):
    with pytest.raises(ValueError, match="acentos empilhados"):
        gramatica.boletim(["a" + "\u0327\u0301" * 100_000])


def test_o_excesso_aceita_o_tokenizador_definido_no_notebook():
    """Na página do capítulo, as classes são as de lá, e não as do módulo."""
    from apoio import pronto

    model, tokenizer = pronto.modelo_pronto()
    nomes = {nome: valor for nome, valor in vars(WordTokenizer).items() if nome not in ("__dict__", "__weakref__")}
    do_notebook = type("WordTokenizer", (), nomes)([h.texto for h in historinhas.sortear(3_000, semente=1)])
    do_notebook.__dict__.update(tokenizer.__dict__)
    historias = historinhas.sortear(5, semente=3)
    assert historinhas.excesso(model, do_notebook, historias) == historinhas.excesso(model, tokenizer, historias)
