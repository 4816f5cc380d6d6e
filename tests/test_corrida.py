"""A corrida: a pista, a receita de referência, as regras que recusam trapaça, o placar que se junta e a tabela da lição 11."""

import ast
import errno
import json
import math
import os
import re
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import cadernos
from apoio import corrida, historinhas
from gptmini.modelo import GPTMini
from gptmini.treino import adamw, train_steps
from gptmini.vetores import GPTConfig

MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))["corrida"]["medidas"]
VOLTA = corrida.Volta("Bia", "a minha", "historinhas", 0.37, 0.398, 5.0, 12.0, 250, 250_000, 0, "2026-11-25T10:00:00.1")


@pytest.fixture(scope="module")
def pista():
    return corrida.abrir_pista("teste", "\n\n".join(h.texto for h in historinhas.sortear(1500, semente=3)), alvo=3.5)


def pequena(V, T):
    return GPTMini(GPTConfig(V, T, 16, 2, 1))


def receita(modelo=pequena, passos=4, otimizador=lambda model: adamw(model, 5e-3), **resto):
    return corrida.Receita("pequena", modelo, otimizador, passos, 4, **resto)


def test_as_partes_da_pista_nao_se_tocam(pista):
    ids = pista.tokenizer.encode("\n\n".join(h.texto for h in historinhas.sortear(1500, semente=3)))
    corte = len(ids) * 9 // 10
    assert pista.treino == ids[:corte]
    assert pista.validacao[:2048] == ids[corte : corte + 2048] and pista.reserva[:2048] == ids[corte + 2048 : corte + 4096]
    assert len(pista.validacao) + len(pista.reserva) == len(ids) - corte


def test_um_texto_curto_nao_e_pista():
    with pytest.raises(ValueError, match="pelo menos 100 mil"):
        corrida.abrir_pista("curto", "era uma vez")


def test_a_referencia_e_a_receita_publicada(pista):
    """README do nanoGPT: 4 blocos, 4 cabeças, 128, janela 64, lote 12, 2000 passos; config.py: decaimento 0,1, β₂ 0,99."""
    model = corrida.REFERENCIA.modelo(65, corrida.T)
    c = model.config
    assert (c.n_layers, c.n_heads, c.d_model, c.context_length, c.bias, c.dropout, c.tie_weights) == (4, 4, 128, 64, False, 0.0, True)
    assert (corrida.REFERENCIA.passos, corrida.REFERENCIA.lote) == (2000, 12)
    com, sem = corrida.REFERENCIA.otimizador(model).param_groups
    assert (com["weight_decay"], sem["weight_decay"], com["lr"], com["betas"]) == (0.1, 0.0, 1e-3, (0.9, 0.99))
    assert all(p.dim() > 1 for p in com["params"]) and all(p.dim() == 1 for p in sem["params"])
    assert sum(p.numel() for g in (com, sem) for p in g["params"]) == model.num_parameters()
    ritmo = [corrida.ritmo_da_referencia(passo, 2000) for passo in range(1, 2001)]
    assert ritmo[49] == 0.5 and ritmo[99] == max(ritmo) == 1 and ritmo[-1] == pytest.approx(0.1)
    assert ritmo[1049] == pytest.approx(0.55)                     # no meio da descida, a média das pontas


def test_cada_grupo_do_otimizador_guarda_a_sua_taxa(pista):
    def dois(model):
        tabela, *resto = model.parameters()
        return torch.optim.AdamW([{"params": [tabela], "lr": 0.5}, {"params": resto, "lr": 0.1}])

    taxas = []

    def espiao(model):
        otimizador = dois(model)
        otimizador.register_step_post_hook(lambda o, *_: taxas.append([g["lr"] for g in o.param_groups]))
        return otimizador

    list(corrida.treinar(receita(otimizador=espiao, ritmo=lambda passo, passos: passo / passos), pista))
    assert taxas == [[pytest.approx(0.5 * f), pytest.approx(0.1 * f)] for f in (0.25, 0.5, 0.75, 1)]


def test_o_treino_padrao_nao_mudou_com_o_ritmo_por_argumento(pista):
    perdas = []
    for ritmo in ({}, {"schedule": lambda passo, passos: 1.0}):
        torch.manual_seed(0)
        model = pequena(pista.tokenizer.vocab_size, 64)
        perdas.append([p.train_loss for p in train_steps(model, pista.treino, steps=6, batch_size=4, lr=1e-2, **ritmo)])
    assert perdas[0][:1] == perdas[1][:1] and perdas[0][2:] != perdas[1][2:]


def test_a_mesma_semente_corre_igual(pista):
    correr = lambda semente: [passo.train_loss for _, passo in corrida.treinar(receita(), pista, semente)]
    assert correr(1) == correr(1) != correr(2)


class Mexido(nn.Module):
    def __init__(self, model, mexer):
        super().__init__()
        self.model, self.mexer, self.config = model, mexer, model.config

    def forward(self, idx, targets=None):
        logits = self.mexer(self.model(idx)[0], idx)
        perda = None if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        return logits, perda


MEXIDAS = {
    "a letra que vem": (lambda logits, idx: logits + F.one_hot(idx.roll(-1, 1), logits.size(-1)), "futuro"),
    "a outra linha do lote": (lambda logits, idx: logits + logits.flip(0).detach(), "futuro"),
    "a média do texto inteiro": (lambda logits, idx: logits + logits.mean(1, keepdim=True), "futuro"),
    "um logit a mais": (lambda logits, idx: F.pad(logits, (0, 1)), "esperava"),
    "só o último lugar": (lambda logits, idx: logits[:, -1:], "esperava"),
    "infinito": (lambda logits, idx: logits / 0, "não são números"),
}


@pytest.mark.parametrize("nome", MEXIDAS)
def test_modelo_que_nao_e_modelo_de_linguagem_e_recusado(nome, pista):
    mexer, frase = MEXIDAS[nome]
    torch.manual_seed(0)
    model = Mexido(pequena(pista.tokenizer.vocab_size, 64), mexer)
    model.forward = (lambda f: lambda idx, targets=None: f(idx, targets if frase == "futuro" else None))(model.forward)
    with pytest.raises(corrida.RegraQuebrada, match=frase):
        corrida.conferir_modelo(model, pista)


@pytest.mark.parametrize("fator", [0.5, 0.99, 1.1])
def test_perda_que_nao_e_a_entropia_cruzada_e_recusada(fator, pista):
    class Falsa(GPTMini):
        def forward(self, idx, targets=None):
            logits, perda = super().forward(idx, targets)
            return logits, perda * fator

    with pytest.raises(corrida.RegraQuebrada, match="entropia cruzada"):
        corrida.conferir_modelo(Falsa(GPTConfig(pista.tokenizer.vocab_size, 64, 16, 2, 1)), pista)


def test_modelos_honestos_passam(pista):
    V = pista.tokenizer.vocab_size
    for modelo in (pequena, corrida.modelo_da_referencia):
        corrida.conferir_modelo(modelo(V, 64), pista)
    corrida.conferir_perdas(math.log(V), 1.859, 1.869, V)
    corrida.conferir_perdas(math.log(V) + 1, 2.0, 1.9, V)          # nascer pior que o acaso não é trapaça


@pytest.mark.parametrize(("primeira", "validacao", "reserva", "frase"), [(2.0, 1.8, 1.8, "já vinha treinado"),
                                                                         (4.1, 1.5, 1.8, "treinou com a validação")])
def test_perdas_que_denunciam(primeira, validacao, reserva, frase):
    with pytest.raises(corrida.RegraQuebrada, match=frase):
        corrida.conferir_perdas(primeira, validacao, reserva, 60)


@pytest.mark.lento
def test_so_quem_chega_ao_alvo_vai_para_o_placar(pista, tmp_path, capsys):
    volta = corrida.cronometrar(receita(passos=1), "Bia", pista, pasta=tmp_path)
    assert volta.perda > pista.alvo and not list(tmp_path.iterdir())
    assert "não chegou" in capsys.readouterr().out
    volta = corrida.cronometrar(receita(passos=40), "Bia", replace(pista, alvo=3.9), pasta=tmp_path)
    assert volta.perda <= 3.9 and corrida.ler(tmp_path) == [volta]
    assert volta.vezes > 1 and volta.parametros == pequena(pista.tokenizer.vocab_size, 64).num_parameters()


def test_o_placar_junta_pastas_e_fica_com_a_melhor_de_cada_um(tmp_path, capsys):
    for i, volta in enumerate([VOLTA, replace(VOLTA, vezes=9.0, quando="2026-11-25T11"), replace(VOLTA, autoria="Davi", vezes=15.0),
                               replace(VOLTA, autoria="Íris", vezes=30.0, perda=0.5)]):
        corrida.anotar(volta, tmp_path / f"máquina {i}")
    (tmp_path / "lista.json").write_text("[1, 2]")
    (tmp_path / "cortado.json").write_text('{"autoria": "B')
    (tmp_path / "falta.json").write_text('{"autoria": "Bia"}')
    linhas = corrida.placar(tmp_path).splitlines()
    assert [linha.split()[:2] for linha in linhas[1:]] == [["1º", "15,0"], ["2º", "12,0"]]
    assert "Davi: a minha" in linhas[1] and "Bia: a minha" in linhas[2]         # a de Íris não chegou ao alvo
    assert capsys.readouterr().out.count("não é uma volta") == 3


@pytest.mark.parametrize("autoria", ["../../fora", "a/b\\c", "", "Zé da Silva", "💥", "x" * 300])
def test_o_nome_de_quem_corre_nao_sai_da_pasta(autoria, tmp_path):
    volta = replace(VOLTA, autoria=autoria)
    caminho = corrida.anotar(volta, tmp_path / "placar")
    assert caminho.parent == tmp_path / "placar" and corrida.ler(tmp_path) == [volta]


def test_placar_vazio_diz_que_esta_vazio(tmp_path):
    assert "nenhuma volta" in corrida.placar(tmp_path) and "nenhuma volta" in corrida.placar(tmp_path / "não existe")


# -- o placar, com o que os outros puserem na pasta -------------------------------------------------------------

def escreve(pasta, nome="ze.json", cru=None, **trocas):
    """Um arquivo na pasta do placar, como o de uma volta do Zé, com os campos trocados; ou com os bytes de `cru`."""
    pasta.mkdir(exist_ok=True)
    campos = asdict(VOLTA) | {"autoria": "Zé", "vezes": 14.0} | trocas
    (pasta / nome).write_bytes(json.dumps(campos).encode() if cru is None else cru)
    return pasta / nome


CERTA = json.dumps(asdict(VOLTA) | {"autoria": "Zé"})
NUMEROS = ["-1.0", "0", "NaN", "Infinity", "-Infinity", "1e999", "true", "false", "null", '"5"', "[5]", "{}", "9" * 400, "9" * 5000]
FORJADAS = {f"{campo}={valor[:9]}": re.sub(rf'"{campo}": [^,]+', f'"{campo}": {valor}', CERTA).encode()
            for campo in ("perda", "alvo", "segundos", "vezes", "passos", "parametros") for valor in NUMEROS}
FORJADAS |= {f"{campo} {valor!r:.9}": json.dumps(json.loads(CERTA) | {campo: valor}).encode()
             for campo in ("autoria", "receita", "pista", "quando")
             for valor in (5, None, ["x"], "a\nb", "a\r 1º  99,0", "\x1b[31m", "a\x00", "\u202eetrac", "\u200bx", "\u2028", "\ud800", "\x85", "x" * 500)}
FORJADAS |= {
    "alvo falso": json.dumps(json.loads(CERTA) | {"alvo": 9.0, "perda": 8.0}).encode(),
    "alvo quase certo": json.dumps(json.loads(CERTA) | {"alvo": 0.3981}).encode(),
    "pista parecida": json.dumps(json.loads(CERTA) | {"pista": " Historinhas"}).encode(),
    "data que não é data": json.dumps(json.loads(CERTA) | {"quando": "amanhã"}).encode(),
    "caminho na data": json.dumps(json.loads(CERTA) | {"quando": "../../2026"}).encode(),
    "pista em branco": json.dumps(json.loads(CERTA) | {"pista": "  "}).encode(),
    "rápida demais": json.dumps(json.loads(CERTA) | {"segundos": 1e-9, "vezes": 1e5}).encode(),
    "referência impossível": json.dumps(json.loads(CERTA) | {"vezes": 1e6}).encode(),
    "fração de passo": json.dumps(json.loads(CERTA) | {"passos": 0.5}).encode(),
    "semente negativa": json.dumps(json.loads(CERTA) | {"semente": -1}).encode(),
    "chave repetida": CERTA.replace('"perda"', '"vezes": 99.0, "perda"').encode(),
    "funda": b"[" * 7000, "tabelas fundas": b'{"a":' * 1500, "vazia": b"", "lista": b"[1, 2]", "número": b"3", "nada": b"null", "texto": b'"volta"',
    "falta um campo": b'{"autoria": "Z"}', "cortada": CERTA[:60].encode(), "utf-16": CERTA.encode("utf-16"), "bytes": b"\xff\xfe\xfd", "comprida": CERTA.encode() + b" " * 9000,
}


@pytest.mark.parametrize("qual", FORJADAS)
def test_um_arquivo_forjado_e_dito_e_nao_muda_o_placar(tmp_path, capsys, qual):
    corrida.anotar(VOLTA, tmp_path)
    certo = corrida.placar(tmp_path)
    escreve(tmp_path, "forjada.json", FORJADAS[qual])
    assert corrida.ler(tmp_path) == [VOLTA]
    dito = capsys.readouterr().out
    assert re.fullmatch(r"forjada\.json não é uma volta da corrida e fica de fora: .{10,350}\.\n", dito), dito
    assert corrida.placar(tmp_path) == certo and len(certo.splitlines()) == 2


def test_o_que_nao_e_arquivo_comum_nem_trava_nem_entra(tmp_path, capsys):
    pasta = tmp_path / "turma"
    corrida.anotar(VOLTA, pasta)
    (pasta / "x.json").mkdir()
    with open(pasta / "enorme.json", "wb") as arquivo:
        arquivo.truncate(10**9)
    nomes = ["enorme.json"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(pasta / "cano.json")
        os.symlink("/dev/zero", pasta / "zero.json")
        os.symlink(escreve(tmp_path), pasta / "atalho.json")
        os.symlink(pasta, pasta / "volta em si")
        os.symlink("nada", pasta / "quebrado.json")
        (pasta / "duas\nlinhas\x1b[31m.json").write_text("{}")
        (Path(os.fsdecode(os.fsencode(pasta) + b"/\xff.json"))).write_text("{}")
        nomes += ["atalho.json", "cano.json", "quebrado.json", "zero.json", "duas?linhas?[31m.json", "?.json"]
    inicio = time.process_time()
    assert corrida.ler(pasta) == [VOLTA]
    assert time.process_time() - inicio < 1
    linhas = capsys.readouterr().out.splitlines()
    assert {linha.split(" não é uma volta")[0] for linha in linhas} == set(nomes) and all(linha.isprintable() for linha in linhas)


def test_milhares_de_arquivos_ruins_nao_enchem_a_tela(tmp_path, capsys):
    corrida.anotar(VOLTA, tmp_path)
    for i in range(1500):
        (tmp_path / f"{i}.json").write_bytes(b"{}")
    assert corrida.ler(tmp_path) == [VOLTA]
    dito = capsys.readouterr().out
    assert dito.count("não é uma volta") == corrida.MAX_LINHAS and dito.endswith("outros 1400 arquivos.\n")


def test_cada_nome_cabe_no_seu_lugar(tmp_path):
    for i, autoria in enumerate(["x" * 400, "Z" + "\u0301\u0327" * 150, "  ", "日本" * 30]):
        escreve(tmp_path, f"{i}.json", autoria=autoria, receita="r" * 400, vezes=13.0 + i)
    linhas = corrida.placar(tmp_path).splitlines()
    assert len(linhas) == 5 and all(len(linha) < 140 for linha in linhas)
    assert "x" * 39 + "…" in linhas[4] and "Ź: r" in linhas[3] and "(sem nome)" in linhas[2]


def test_a_pista_de_cada_um_vai_a_parte(tmp_path):
    """Um texto fácil e um alvo folgado não se comparam com os do curso, nem um alvo com outro."""
    corrida.anotar(VOLTA, tmp_path)
    do_curso = corrida.placar(tmp_path)
    for alvo, vezes in ((90.0, 500.0), (80.0, 400.0)):
        corrida.anotar(replace(VOLTA, autoria="Zé", pista="minha", alvo=alvo, perda=70.0, vezes=vezes), tmp_path)
    placar = corrida.placar(tmp_path)
    assert placar.startswith(do_curso + "\n\nFora da classificação do curso: pista «minha», alvo 80,000\n")
    assert placar.count("  1º") == 3 and "  2º" not in placar


@pytest.mark.parametrize("pasta", [None, 5, b"placar", ["placar"], "com\0zero", "\ud800", "n" * 300, True])
def test_o_que_nao_e_uma_pasta(pasta):
    for pedir in (corrida.ler, corrida.placar, lambda p: corrida.anotar(VOLTA, p), lambda p: corrida.cronometrar(receita(), "Bia", pasta=p)):
        with pytest.raises(TypeError, match="^a pasta veio .*; esperava um caminho"):
            pedir(pasta)


def test_um_arquivo_no_lugar_da_pasta(tmp_path, pista):
    (tmp_path / "placar").write_text("")
    for pedir in (corrida.ler, corrida.placar, lambda p: corrida.anotar(VOLTA, p), lambda p: corrida.cronometrar(receita(), "Bia", pista, pasta=p)):
        with pytest.raises(NotADirectoryError, match="não é uma pasta; passe a pasta das voltas"):
            pedir(tmp_path / "placar")


# -- anotar ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("autoria", ["Bia", "con", "NUL", "aux.txt", "com1", "", "🦜", "../x", "日" * 90, "ª" * 300])
def test_uma_volta_nunca_apaga_outra(tmp_path, autoria):
    """No mesmo instante, da mesma autoria, e com nomes que viram o mesmo nome de arquivo."""
    voltas = [replace(VOLTA, autoria=quem, perda=0.39 - i / 1000) for quem in {autoria, autoria.upper(), autoria + "!", autoria + "?"} for i in range(3)]
    caminhos = [corrida.anotar(v, tmp_path) for v in voltas]
    assert len(set(caminhos)) == len(voltas) and len({c.name.lower() for c in caminhos}) == len(voltas)
    lidas = corrida.ler(tmp_path)
    assert len(lidas) == len(voltas) and all(v in lidas for v in voltas)
    assert all(len(os.fsencode(c.name)) < 255 and re.fullmatch(r".+-2026\d{4}T\d{12}-[0-9a-f]{8}\.json", c.name) for c in caminhos)


def test_a_volta_vai_inteira_ou_nao_vai(tmp_path, monkeypatch):
    def cheio(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", cheio)
    with pytest.raises(OSError, match="disco está cheio"):
        corrida.anotar(VOLTA, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("volta", [None, asdict(VOLTA), "volta", corrida.Volta, *[replace(VOLTA, **{c: v}) for c, v in (
    ("perda", math.nan), ("perda", torch.tensor(0.3)), ("vezes", math.inf), ("segundos", 0.0), ("autoria", None), ("autoria", "a\nb"), ("quando", "../../fora"),
    ("quando", None), ("alvo", 99.0), ("alvo", math.nan), ("passos", True), ("passos", 2.5), ("parametros", 0), ("pista", ""), ("receita", "\x1b[2J"))]], ids=lambda v: f"{v!r:.60}")
def test_o_que_nao_se_anota(tmp_path, volta):
    with pytest.raises((TypeError, ValueError), match=r"(veio|está em branco|não confere).*\.$"):
        corrida.anotar(volta, tmp_path / "placar")
    assert not (tmp_path / "placar").exists()


def test_numeros_do_numpy_se_anotam(tmp_path):
    corrida.anotar(replace(VOLTA, perda=np.float32(0.25), vezes=np.float64(12), passos=np.int64(250), parametros=np.int32(9)), tmp_path)
    lida, = corrida.ler(tmp_path)
    assert (lida.perda, lida.vezes, lida.passos, lida.parametros) == (0.25, 12.0, 250, 9) and type(lida.passos) is int


# -- o que está errado é dito antes dos minutos de treino -------------------------------------------------------

@pytest.fixture
def sem_treino(monkeypatch):
    """Nada se treina; e, no fim, o sorteio está onde estava."""
    def treinou(*_, **__):
        raise AssertionError("começou a treinar")

    monkeypatch.setattr(corrida, "train_steps", treinou)
    estado = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), estado)


class SemDupla(GPTMini):
    def forward(self, idx, targets=None):
        return super().forward(idx, targets)[0]


class PerdaTorta(GPTMini):
    def forward(self, idx, targets=None):
        return super().forward(idx, targets)[0], 3.0


def outro(classe):
    return lambda V, T: classe(GPTConfig(V, T, 16, 2, 1))


RECEITAS = {
    "modelo que não volta": ({"modelo": lambda V, T: None}, "model veio NoneType"),
    "a classe": ({"modelo": lambda V, T: GPTMini}, "model veio a classe GPTMini"),
    "sem ficha": ({"modelo": lambda V, T: nn.Linear(3, 3)}, "model veio Linear"),
    "outra janela": ({"modelo": lambda V, T: pequena(V, 128)}, "a janela é 64 para todos"),
    "outro vocabulário": ({"modelo": lambda V, T: pequena(V + 1, T)}, "os logits vieram com forma"),
    "sem dupla": ({"modelo": outro(SemDupla)}, r"o modelo devolveu Tensor; esperava a dupla"),
    "perda que não é tensor": ({"modelo": outro(PerdaTorta)}, "a perda veio 3.0"),
    "sem otimizador": ({"otimizador": lambda model: None}, "otimizador devolveu None"),
    "otimizador sem grupos": ({"otimizador": lambda model: type("O", (), {"param_groups": []})()}, "otimizador com grupos"),
    "otimizador sem passo": ({"otimizador": lambda model: type("O", (), {"param_groups": [{"params": [], "lr": 1.0}]})()}, "otimizador com grupos"),
    "grupo sem taxa": ({"otimizador": lambda model: torch.optim.SGD(model.parameters(), lr=0.0)}, "taxa maior que zero"),
    "otimizador de outro": ({"otimizador": lambda model: adamw(pequena(9, 64), 1e-3)}, "pesos que não são deste modelo"),
    "ritmo nan": ({"ritmo": lambda passo, passos: math.nan}, "ritmo deu nan no passo"),
    "ritmo negativo": ({"ritmo": lambda passo, passos: 1 - 2 * passo / passos}, "ritmo deu -1.0 no passo 4"),
    "ritmo que não volta": ({"ritmo": lambda passo, passos: None}, "ritmo deu None"),
}


@pytest.mark.parametrize("qual", RECEITAS)
def test_receita_errada_e_dita_antes_do_treino(pista, sem_treino, tmp_path, qual):
    trocas, frase = RECEITAS[qual]
    for pedir in (lambda r: corrida.correr(r, pista), lambda r: corrida.cronometrar(r, "Bia", pista, pasta=tmp_path / "placar")):
        with pytest.raises((TypeError, ValueError), match=frase):
            pedir(receita(**trocas))
    assert not (tmp_path / "placar").exists()


@pytest.mark.parametrize("argumentos", [{"receita": None}, {"receita": "a minha"}, {"receita": corrida.Receita}, {"pista": 5}, {"pista": "historinhas"}, {"semente": True},
                                        {"semente": -1}, {"semente": 0.5}, {"semente": 10**30}, {"autoria": None}, {"autoria": "a\nb"}, {"autoria": "x" * 500},
                                        {"alvo": math.nan}, {"alvo": -1.0}, {"alvo": math.inf}, {"alvo": "1"}, {"alvo": True}], ids=str)
def test_cronometrar_com_o_que_nao_serve(pista, sem_treino, tmp_path, argumentos):
    certos = {"receita": receita(), "pista": pista, "autoria": "Bia", "semente": 0, "pasta": tmp_path}
    with pytest.raises((TypeError, ValueError), match=r"\bveio\b.*\.$"):
        if "alvo" in argumentos:
            argumentos = {"pista": replace(pista, alvo=argumentos["alvo"])}
        corrida.cronometrar(**certos | argumentos)


@pytest.mark.parametrize("trocas", [{"nome": None}, {"nome": ""}, {"nome": "a\nb"}, {"modelo": None}, {"modelo": pequena(9, 64)}, {"otimizador": 3}, {"ritmo": 1.0}, {"ritmo": None},
                                    {"passos": 0}, {"passos": -1}, {"passos": 2.0}, {"passos": True}, {"passos": None}, {"passos": 10**9}, {"lote": 0}, {"lote": "4"}, {"lote": 10**12}], ids=str)
def test_receita_que_nao_se_escreve_assim(trocas):
    certa = {"nome": "a minha", "modelo": pequena, "otimizador": adamw, "passos": 4, "lote": 4}
    if isinstance(trocas.get("modelo"), nn.Module):
        trocas = {"modelo": [trocas["modelo"]]}               # um modelo pronto até se chama, mas não é uma receita
    with pytest.raises((TypeError, ValueError), match=r"(veio .*; esperava|em branco)"):
        corrida.Receita(**certa | trocas)


def test_os_inteiros_do_numpy_servem_na_receita():
    feita = corrida.Receita("a minha", pequena, adamw, np.int64(4), np.int32(8))
    assert (feita.passos, feita.lote) == (4, 8) and type(feita.passos) is int


HISTORINHAS = "\n\n".join(h.texto for h in historinhas.sortear(1200, semente=5))


@pytest.mark.parametrize(("argumentos", "frase"), [
    ({"nome": "minha", "texto": 5}, "esperava um texto"), ({"nome": "minha", "texto": b"abc" * 50_000}, "esperava um texto"), ({"nome": "minha", "texto": None}, "não há pista 'minha' no curso"),
    ({"nome": "minha", "texto": ["a"] * 100_000}, "esperava um texto"), ({"nome": None, "texto": HISTORINHAS}, "o nome da pista veio None"), ({"nome": 5, "texto": HISTORINHAS}, "veio 5"),
    ({"nome": " ", "texto": HISTORINHAS}, "em branco"), ({"nome": "a\nb", "texto": HISTORINHAS}, "linha só"), ({"nome": "minha"}, "não há pista 'minha' no curso"), ({"alvo": 1.5}, "já têm alvo"),
    ({"nome": "historinhas", "texto": HISTORINHAS}, "o texto é outro"), ({"nome": "Machado de Assis", "texto": HISTORINHAS}, "o texto é outro"),
    ({"nome": "MACHADO DE ASSIS", "texto": HISTORINHAS, "alvo": 1.5}, "se confunde"),
    *[({"nome": "minha", "texto": HISTORINHAS, "alvo": alvo}, "o alvo da pista «minha» veio") for alvo in (math.nan, math.inf, 0, -1.0, True, "1,5", [1.5], 10**30)],
])
def test_pista_que_nao_se_abre(argumentos, frase):
    with pytest.raises((TypeError, ValueError), match=frase):
        corrida.abrir_pista(**argumentos)


def test_sem_alvo_se_mede_mas_nao_se_anota(pista, capsys):
    sem_alvo = corrida.abrir_pista("minha", HISTORINHAS)
    assert math.isnan(sem_alvo.alvo)
    assert "; sem alvo;" in str(replace(VOLTA, alvo=sem_alvo.alvo))
    with pytest.raises(ValueError, match=r"o alvo da pista «minha» veio nan; esperava .* como alvo=1.9"):
        corrida.cronometrar(receita(), pista=sem_alvo)


def test_as_pistas_do_curso_pelo_nome(monkeypatch):
    monkeypatch.setattr(corrida.corpus, "das_historinhas", lambda: HISTORINHAS)
    monkeypatch.setattr(corrida.corpus, "machado", lambda: HISTORINHAS + "!")
    for nome, alvo in corrida.ALVOS.items():
        aberta = corrida.abrir_pista(nome)
        assert (aberta.nome, aberta.alvo, len(aberta.tokenizer.vocab)) == (nome, alvo, len(set(HISTORINHAS)) + 1 + (nome != "historinhas" and "!" not in HISTORINHAS))
    assert corrida.abrir_pista("historinhas", HISTORINHAS).alvo == corrida.ALVOS["historinhas"]


@pytest.mark.parametrize("trocas", [{"validacao": [1, 2]}, {"reserva": [1.5] * 500}, {"treino": [-1] * 500}, {"treino": [10**6] * 500}, {"validacao": None}, {"tokenizer": None}, {"nome": None}], ids=str)
def test_pista_mexida_e_recusada(pista, trocas):
    with pytest.raises((TypeError, ValueError), match="esperava"):
        replace(pista, **trocas)


@pytest.mark.parametrize("mexer", [None, *(mexer for mexer, _ in MEXIDAS.values())])
def test_conferir_deixa_o_modelo_e_o_sorteio_como_estavam(pista, mexer):
    class Sorteia(Mexido):
        def forward(self, idx, targets=None):
            torch.rand(3)
            return super().forward(idx, targets)

    model = Sorteia(pequena(pista.tokenizer.vocab_size, 64), mexer or (lambda logits, idx: logits)).train()
    model.model.blocks[0].eval()                              # uma peça congelada continua congelada
    modos, estado = [m.training for m in model.modules()], torch.get_rng_state()
    try:
        corrida.conferir_modelo(model, pista)
        assert mexer is None
    except ValueError:                                        # a recusa; ou o erro do próprio modelo, que a perda dele não aceita
        assert mexer is not None
    assert [m.training for m in model.modules()] == modos and torch.equal(torch.get_rng_state(), estado)
    assert torch.is_grad_enabled() and all(p.grad is None for p in model.parameters())


def test_correr_deixa_o_sorteio_como_estava_e_recusa_quem_ja_sabe_no_primeiro_passo(pista, monkeypatch, capsys):
    V, estado = pista.tokenizer.vocab_size, torch.get_rng_state()
    corrida.tempo_da_referencia(pista, 2)
    monkeypatch.setattr(corrida, "tempo_da_referencia", lambda pista: 60.0)
    corrida.correr(receita(passos=2), pista)
    assert torch.equal(torch.get_rng_state(), estado)
    ja_sabe = pequena(V, 64)
    for _ in train_steps(ja_sabe, pista.treino, steps=60, batch_size=16, lr=1e-2):
        pass
    feitos = []
    with pytest.raises(corrida.RegraQuebrada, match="já vinha treinado"):
        corrida.correr(receita(lambda V, T: ja_sabe, passos=50, ritmo=lambda passo, passos: feitos.append(passo) or 1.0), pista)
    assert feitos[4:] == [1]                                  # depois das provas do ritmo (três daqui, uma do treino), um passo só


@pytest.mark.parametrize("perdas", [(math.nan, 1.8, 1.8), (math.inf, 1.8, 1.8), (4.1, math.nan, 1.8), (4.1, 1.8, math.nan), (4.1, None, 1.8), ("4", 1.8, 1.8)])
def test_perdas_que_nao_sao_numeros(perdas):
    with pytest.raises(corrida.RegraQuebrada):
        corrida.conferir_perdas(*perdas, 60)


@pytest.mark.parametrize("passos", [0, 1, 1.5, True, None, 10**6])
def test_tempo_da_referencia_de_passos_que_nao_ha(pista, sem_treino, passos):
    with pytest.raises(ValueError, match="passos veio .*; esperava um inteiro de 2 a 2000"):
        corrida.tempo_da_referencia(pista, passos)


def media(rodadas, campo):
    return sum(r[campo] for r in rodadas) / len(rodadas)


@pytest.mark.parametrize("nome", corrida.ALVOS)
def test_o_alvo_e_a_perda_medida_da_referencia(nome):
    assert corrida.ALVOS[nome] == pytest.approx(media(MEDIDAS[nome]["referência"], "perda"), abs=0.0015)


def test_a_receita_completa_cumpre_a_meta_nas_medidas():
    """Um oitavo do tempo da referência, os dois medidos na mesma rodada, em média de três sementes."""
    for pista in MEDIDAS.values():
        assert media(pista["referência"], "segundos") / media(pista["+ pares"], "segundos") >= 8


def test_a_tabela_da_licao_e_a_das_medidas():
    prosa = cadernos.sem_marcas(cadernos.prosa(cadernos.caderno_de("corrida-055")))
    machado = MEDIDAS["Machado de Assis"]
    escrita = dict(re.findall(r"^\| ((?:\+ |sem |referência)[^|]*?) \| ([^|]+ \| [^|]+) \|", prosa, re.MULTILINE))
    segundos = media(machado["referência"], "segundos")
    esperada = {nome: f"{round(media(rodadas, 'passos'))} | {corrida.n(segundos / media(rodadas, 'segundos'))}×"
                for nome, rodadas in machado.items() if nome != "referência"}
    assert escrita == esperada | {"referência": "2000 | 1,0×"}
    passos = {nome: media(rodadas, "passos") for nome, rodadas in machado.items() if nome != "referência"}
    tempo = {nome: media(rodadas, "segundos") / segundos for nome, rodadas in machado.items()}
    por_passo = {nome: media(rodadas, "segundos") / passos.get(nome, 2000) for nome, rodadas in machado.items()}
    nomes = ["referência", *(nome for nome in machado if nome.startswith("+"))]
    corta = {depois[2:]: tempo[depois] / tempo[antes] for antes, depois in zip(nomes, nomes[1:], strict=False)}
    sem = {nome[4:]: passos[nome] / passos["+ pares"] for nome in machado if nome.startswith("sem")}
    a_toa = {"descida reta", "RMSNorm", "ReLU²", "zeros"}

    # O que a lição conclui dela, frase por frase.
    assert f"que a referência, {round(passos['+ forma'])}, e não 2000; cada um custa pouco mais da metade" in prosa
    assert tempo["+ forma"] == pytest.approx(2 / 3, abs=0.03) and 0.5 < por_passo["+ forma"] / por_passo["referência"] < 0.6
    assert {peca for peca in corta if corta[peca] < 0.5} == {"otimizador", "Muon"} and passos["+ otimizador"] < passos["+ forma"] / 2
    assert passos["+ Muon"] / passos["+ zeros"] == pytest.approx(0.4, abs=0.02) and passos["+ Muon"] / passos["+ ReLU²"] == pytest.approx(0.5, abs=0.02)
    assert [*sorted(sem, key=sem.get, reverse=True)][:5] == ["RoPE", "Muon", "pares", "QK-norm", "taxa das tabelas"]
    assert f"sem ele são {corrida.n(sem['RoPE'])} vezes os passos" in prosa and 1.4 < sem["QK-norm"] < 1.5
    assert f"com {corrida.n(sem['Muon'])} cada um" in prosa and corrida.n(sem["Muon"]) == corrida.n(sem["pares"])
    assert f"a taxa das tabelas, com {corrida.n(sem['taxa das tabelas'])}." in prosa
    assert f"o QK-norm tira {round(100 - 100 * passos['+ QK-norm'] / passos['+ RoPE'])}% dos passos" in prosa and f"são {round(100 * sem['QK-norm'] - 100)}% a mais" in prosa
    assert {peca for peca in sem if tempo["+ pares"] / tempo[f"sem {peca}"] > 0.9} == a_toa
    assert passos["+ zeros"] / passos["+ ReLU²"] == pytest.approx(1.25, abs=0.02)
    assert corta["QK-norm"] == pytest.approx(1, abs=0.03) and 1.02 < por_passo["+ RMSNorm"] / por_passo["+ descida reta"] < 1.12
    assert "em uns quatro segundos, e não em um minuto" in prosa and round(media(machado["+ pares"], "segundos")) == 4 and 55 < segundos < 70
    vezes = {nome: corrida.n(media(pista["referência"], "segundos") / media(pista["+ pares"], "segundos")) for nome, pista in MEDIDAS.items()}
    assert f"mesmo texto sai {vezes['Machado de Assis']} vezes mais depressa" in prosa
    assert f"já fazem {corrida.n(1 / tempo['+ otimizador'])} vezes" in prosa
    assert f"Nas historinhas, a receita completa chega ao alvo {vezes['historinhas']} vezes" in prosa


def test_os_palpites_se_julgam_pela_tabela():
    fonte = cadernos.texto(cadernos.celula("corrida-palpites"))
    dicionarios = {no.targets[0].id: ast.literal_eval(no.value) for no in ast.parse(fonte).body if isinstance(no, ast.Assign) and isinstance(no.value, ast.Dict)}
    machado = MEDIDAS["Machado de Assis"]
    vezes = {nome: round(media(machado["referência"], "segundos") / media(rodadas, "segundos"), 1) for nome, rodadas in machado.items()}
    assert dicionarios["sem"] == {nome[4:]: v for nome, v in vezes.items() if nome.startswith("sem ")}
    assert dicionarios["escada"] == {nome.removeprefix("+ "): v for nome, v in vezes.items() if not nome.startswith("sem ")}
    assert f"a média é {corrida.n(vezes['+ pares'])};" in fonte
    passos = re.search(r"completa, sem_rope = (\d+), (\d+)", cadernos.texto(cadernos.celula("corrida-vez-2a"))).groups()
    assert passos == tuple(str(round(media(machado[nome], "passos"))) for nome in ("+ pares", "sem RoPE"))
