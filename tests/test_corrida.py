"""A corrida: a pista, a receita de referência, as regras que recusam trapaça, o placar que se junta e a tabela da lição 09."""

import ast
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gptmini import corrida, historinhas
from gptmini.modelo import GPTMini
from gptmini.treino import adamw, train_steps
from gptmini.vetores import GPTConfig

RAIZ = Path(__file__).resolve().parent.parent
MEDIDAS = json.loads(Path(__file__).with_name("medidas.json").read_text(encoding="utf-8"))["corrida"]["medidas"]
VOLTA = corrida.Volta("Bia", "a minha", "historinhas", 0.39, 0.404, 5.0, 12.0, 250, 250_000, 0, "2026-11-25T10:00:00.1")


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
    correr = lambda semente: [passo.train_loss for _, passo in corrida.treinar(receita(), pista, semente)]  # noqa: E731
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
    aula = json.loads(next((RAIZ / "04-gpt-do-zero").glob("09-*.ipynb")).read_text(encoding="utf-8"))
    prosa = "\n".join("".join(c["source"]) for c in aula["cells"] if c["cell_type"] == "markdown")
    machado = MEDIDAS["Machado de Assis"]
    escrita = dict(re.findall(r"^\| ((?:\+ |sem |referência)[^|]*?) \| ([^|]+ \| [^|]+) \|", prosa, re.MULTILINE))
    segundos = media(machado["referência"], "segundos")
    esperada = {nome: f"{round(media(rodadas, 'passos'))} | {corrida.n(segundos / media(rodadas, 'segundos'))}×"
                for nome, rodadas in machado.items() if nome != "referência"}
    assert escrita == esperada | {"referência": "2000 | 1,0×"}
    passos = {nome: media(rodadas, "passos") for nome, rodadas in machado.items() if nome != "referência"}
    assert "o RoPE tira três décimos dos passos, e a tabela de pares, quase metade" in prosa
    assert abs(1 - passos["+ RoPE"] / passos["+ RMSNorm"] - 0.3) < 0.02 and 0.42 < 1 - passos["+ pares"] / passos["+ Muon"] < 0.5
    assert passos["sem RoPE"] > passos["sem pares"]
    palpites = next("".join(c["source"]) for c in aula["cells"] if c["id"] == "09-palpites")
    sem = {nome.removeprefix("sem "): float(linha.split(" | ")[1].rstrip("×").replace(",", ".")) for nome, linha in escrita.items() if nome.startswith("sem ")}
    assert ast.literal_eval(palpites.split("\n", 1)[0].removeprefix("sem = ")) == sem
    vezes = {nome: corrida.n(media(pista["referência"], "segundos") / media(pista["+ pares"], "segundos")) for nome, pista in MEDIDAS.items()}
    assert f"mesmo texto sai {vezes['Machado de Assis']} vezes mais depressa" in prosa
    assert f"Nas historinhas, a receita completa chega ao alvo {vezes['historinhas']} vezes" in prosa
