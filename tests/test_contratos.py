"""O que a API promete: geração, treino, e uma frase clara em português a cada entrada ruim."""

import copy
import dataclasses
import json
import math
import pickle
import random
from pathlib import Path

import numpy as np
import pytest
import torch

import portas
from apoio import modelo_pronto
from apoio.por_dentro import percorrer
from gptmini import (
    CharTokenizer,
    FeedForward,
    GPTConfig,
    GPTMini,
    KVCache,
    UnknownTokenError,
    WordTokenizer,
    batches,
    evaluate,
    generate,
    generate_cached,
    sample,
    train,
    train_steps,
)

FICHA = GPTConfig(vocab_size=20, context_length=8, d_model=16, n_heads=2, n_layers=2)
TREINO = {"steps": 4, "batch_size": 2, "lr": 1e-2}


@pytest.fixture
def modelo():
    torch.manual_seed(0)
    return GPTMini(FICHA)


def semente(n):
    return torch.Generator().manual_seed(n)


COMECO = torch.tensor([[1, 2, 3], [4, 5, 6]])
EXEMPLOS = [[0, 3, 4, 5, 0], [0, 6, 7, 0], [0, 8, 9, 10, 11, 0]]


# -- geração ------------------------------------------------------------------------------------------

def test_temperatura_zero_e_a_mais_provavel(modelo):
    saida = generate(modelo, COMECO, 12, temperature=0)
    idx = COMECO
    for _ in range(12):
        novo = modelo(idx[:, -8:])[0][:, -1].argmax(-1, keepdim=True)
        idx = torch.cat([idx, novo], 1)
    assert torch.equal(saida, idx)
    assert torch.equal(saida, generate(modelo, COMECO, 12, top_k=1, generator=semente(5)))


def test_mesma_semente_mesmo_texto(modelo):
    um = generate(modelo, COMECO, 30, generator=semente(1))
    assert torch.equal(um, generate(modelo, COMECO, 30, generator=semente(1)))
    assert not torch.equal(um, generate(modelo, COMECO, 30, generator=semente(2)))


@pytest.mark.parametrize("n", [0, 1, 25])
def test_sem_stop_o_tamanho_e_o_pedido(modelo, n):
    saida = generate(modelo, COMECO, n, generator=semente(0))
    assert saida.shape == (2, 3 + n) and torch.equal(saida[:, :3], COMECO)


def test_stop_preenche_a_linha_e_acaba_quando_todas_deram(modelo):
    saida = generate(modelo, COMECO.repeat(8, 1), 500, stop=0, generator=semente(0))
    assert saida.size(1) < 503
    for linha in saida[:, 3:].tolist():
        assert 0 in linha and set(linha[linha.index(0):]) == {0}


def test_a_linha_que_acaba_cedo_nao_muda_as_outras(modelo):
    with torch.no_grad():
        for p in modelo.parameters():
            p.normal_(generator=semente(3))      # recém-sorteado, o modelo só repete o último token
    linhas = torch.randint(20, (16, 3), generator=semente(3))
    sozinhas = [generate(modelo, linha[None], 40, temperature=0, stop=7)[0, 3:].tolist() for linha in linhas]
    ate_o_stop = [s[: s.index(7)] if 7 in s else s for s in sozinhas]
    juntas = generate(modelo, linhas, 40, temperature=0, stop=7)[:, 3:].tolist()
    assert 1 < len({len(s) for s in ate_o_stop}), "a comparação pede linhas que acabem em momentos diferentes"
    assert [j[: len(s)] for j, s in zip(juntas, ate_o_stop)] == ate_o_stop
    assert all(set(j[len(s):]) <= {7} for j, s in zip(juntas, ate_o_stop))


def test_o_stop_no_comeco_nao_para_ninguem(modelo):
    comeco = torch.zeros(1, 1, dtype=torch.long)
    assert generate(modelo, comeco, 5, stop=0, temperature=0).size(1) > 1


def test_comeco_maior_que_o_contexto_ve_so_o_fim(modelo):
    longo = torch.randint(20, (1, 30), generator=semente(0))
    a = generate(modelo, longo, 5, temperature=0)
    b = generate(modelo, longo[:, -8:], 5, temperature=0)
    assert a.shape == (1, 35) and torch.equal(a[:, -5:], b[:, -5:])


@pytest.mark.parametrize("treinando", [True, False])
def test_gerar_devolve_o_modelo_no_modo_em_que_estava(modelo, treinando):
    modelo.train(treinando)
    generate(modelo, COMECO, 2)
    assert modelo.training is treinando
    with pytest.raises(ValueError):
        generate(modelo, torch.tensor([[99]]), 2)
    assert modelo.training is treinando


def test_sorteio_segue_o_softmax():
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    ids = sample(logits.expand(20_000, 4), temperature=0.8, generator=semente(0))
    frequencia = torch.bincount(ids, minlength=4) / 20_000
    assert (frequencia - (logits / 0.8).softmax(-1)).abs().max() < 0.015


def test_top_k_corta_exatamente_k_mesmo_no_empate():
    ids = sample(torch.zeros(5000, 10), top_k=3, generator=semente(0))
    assert len(set(ids.tolist())) == 3
    assert sample(torch.tensor([0.0, 5.0, 1.0]), temperature=1e-30).item() == 1
    assert sample(torch.randn(3, 20), top_k=500).shape == (3,)


# -- treino -------------------------------------------------------------------------------------------

def test_treino_repete_com_a_mesma_semente(modelo):
    outro = copy.deepcopy(modelo)
    perdas = [p.train_loss for p in train_steps(modelo, EXEMPLOS, **TREINO)]
    assert perdas == [p.train_loss for p in train_steps(outro, EXEMPLOS, **TREINO)]
    assert all(torch.equal(a, b) for a, b in zip(modelo.parameters(), outro.parameters()))


def test_treino_aprende_e_conta_tokens(modelo):
    historia = train(modelo, EXEMPLOS, validation=EXEMPLOS, steps=150, batch_size=3, lr=1e-2)
    assert historia[-1].val_loss < 0.6 < historia[0].train_loss
    assert historia[-1].tokens == 150 * 12 and historia[-1].step == 150
    assert sum(p.val_loss is not None for p in historia) == 10


def test_on_step_falso_para(modelo):
    historia = train(modelo, EXEMPLOS, steps=50, batch_size=2, lr=1e-3, on_step=lambda p: p.step < 5)
    assert len(historia) == 5


def test_interromper_devolve_o_que_ja_foi_feito(modelo, capsys):
    def interrompe(passo):
        if passo.step == 3:
            raise KeyboardInterrupt
    assert len(train(modelo, EXEMPLOS, steps=50, batch_size=2, lr=1e-3, on_step=interrompe)) == 3
    assert "interrompido" in capsys.readouterr().out


def test_perda_que_nao_e_numero_para_antes_de_estragar(modelo):
    passos = train_steps(modelo, EXEMPLOS, steps=20, batch_size=3, lr=1e20)
    with pytest.raises(FloatingPointError, match=r"passo \d+.*lr menor"):
        for passo in passos:
            antes = [p.clone() for p in modelo.parameters()]
    assert passo.step >= 1
    assert all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(antes, modelo.parameters()))


def test_lotes_cobrem_a_epoca_e_completam_com_menos_cem():
    lotes = batches(EXEMPLOS, 2, 8, semente(0))
    vistos = [tuple(x.tolist()) for _ in range(2) for x in next(lotes)[0]]
    assert len(vistos) == 3
    x, y = next(batches([[0, 1, 2, 0], [0, 3]], 2, 8, semente(0)))
    curta = y[:, 0].tolist().index(3)
    assert y[curta].tolist() == [3, -100, -100] and x.shape == (2, 3)


def test_lotes_de_um_texto_longo_sao_janelas():
    x, y = next(batches(list(range(100)), 5, 8, semente(0)))
    assert x.shape == y.shape == (5, 8) and torch.equal(y, x + 1)


def test_evaluate_e_a_media_por_token(modelo):
    nats = sum(modelo(torch.tensor([e[:-1]]), torch.tensor([e[1:]]))[1].item() * (len(e) - 1) for e in EXEMPLOS)
    assert abs(evaluate(modelo, EXEMPLOS) - nats / 12) < 1e-5
    texto = list(range(17)) + [3]
    assert evaluate(modelo, texto) == pytest.approx(evaluate(modelo, [texto[:9], texto[8:17], texto[16:]]), abs=1e-6)


# -- tokenizadores --------------------------------------------------------------------------------------

def test_ida_e_volta_byte_a_byte():
    texto = "— Você viu a pipa? — perguntou Ana.\nAna viu: era um beija-flor!"
    for tokenizador in (WordTokenizer([texto]), CharTokenizer([texto])):
        assert tokenizador.decode(tokenizador.encode(texto)) == texto
        assert tokenizador.vocab[tokenizador.fim] == "<fim>" and tokenizador.fim == 0


def test_palavra_desconhecida_diz_qual_onde_e_as_vizinhas():
    tokenizador = WordTokenizer(["Ana viu a pipa."])
    with pytest.raises(UnknownTokenError) as erro:
        tokenizador.encode("Ana viu a pipas.")
    assert (erro.value.token, erro.value.posicao) == ("pipas", 3) and "pipa" in erro.value.vizinhos
    assert "pipas" in str(erro.value) and "3" in str(erro.value)


def test_acento_decomposto_e_o_mesmo_acento():
    tokenizador = WordTokenizer(["Vítor"])
    assert tokenizador.encode("Vi\u0301tor") == tokenizador.encode("Vítor")


# -- o que fica como estava --------------------------------------------------------------------------------

class Interrompe(torch.nn.Module):
    """Um GPTMini que alguém interrompe, ou que erra, no meio de uma conta."""

    def __init__(self, model, com):
        super().__init__()
        self.dentro, self.config, self.com = model, model.config, com

    def forward(self, idx, targets=None):
        raise self.com


QUEM_LE = {"evaluate": lambda m: evaluate(m, EXEMPLOS), "generate": lambda m: generate(m, COMECO, 2, temperature=0),
           "generate_cached": lambda m: generate_cached(m, COMECO, 2, temperature=0), "percorrer": lambda m: percorrer(m, [1, 2])}


def modos(m):
    return {nome: peca.training for nome, peca in m.named_modules()}


@pytest.mark.parametrize("quem", QUEM_LE)
def test_cada_peca_volta_ao_modo_em_que_estava(modelo, quem):
    modelo.train()
    modelo.blocks[0].eval()                          # congelada no meio de um modelo que treina
    antes = modos(modelo)
    QUEM_LE[quem](modelo)
    assert modos(modelo) == antes


@pytest.mark.parametrize("quem", ["evaluate", "generate"])
@pytest.mark.parametrize("com", [KeyboardInterrupt(), ZeroDivisionError("de quem escreveu o modelo")])
def test_o_modo_volta_tambem_se_a_conta_para_no_meio(modelo, quem, com):
    parado = Interrompe(modelo.train(), com)
    modelo.blocks[0].eval()
    antes = modos(parado)
    with pytest.raises(type(com)):
        QUEM_LE[quem](parado)
    assert modos(parado) == antes


@pytest.mark.parametrize("quem", [*QUEM_LE, "modelo_pronto"])
def test_ler_nao_move_o_sorteio_do_mundo(modelo, quem):
    antes = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    modelo_pronto() if quem == "modelo_pronto" else QUEM_LE[quem](modelo)
    depois = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    assert torch.equal(antes[0], depois[0]) and antes[1:] == depois[1:]


def test_a_mascara_e_causal_tambem_depois_de_meta_e_to_empty(modelo):
    with torch.device("meta"):
        vazio = GPTMini(FICHA)
    vazio.to_empty(device="cpu").load_state_dict(modelo.state_dict())
    idx = torch.randint(20, (2, 8), generator=semente(0))
    assert torch.equal(vazio.eval()(idx)[0], modelo.eval()(idx)[0])


# -- o treino recusa antes de começar, e mede quando para ---------------------------------------------------

@pytest.mark.parametrize("parar", ["on_step", "interromper"])
def test_um_treino_parado_traz_a_validacao_medida(modelo, parar, capsys):
    def no_terceiro(passo):
        if passo.step == 3:
            if parar == "interromper":
                raise KeyboardInterrupt
            return False
    historia = train(modelo, EXEMPLOS, validation=EXEMPLOS, steps=50, batch_size=2, lr=1e-3, on_step=no_terceiro)
    assert len(historia) == 3 and historia[-1].val_loss == pytest.approx(evaluate(modelo, EXEMPLOS))


ANTES_DO_PRIMEIRO = {
    "validacao-com-um-real": {"validation": [[0, 1.5, 0]]}, "validacao-vazia": {"validation": []}, "validacao-texto": {"validation": "Ana viu a pipa."},
    "validacao-comprida": {"validation": [[0] * 10]}, "validacao-fora-do-vocabulario": {"validation": [[0, 99, 0]]},
    "start-negativo": {"start": -5}, "start-quebrado": {"start": 2.5}, "start-depois-do-fim": {"start": 10**9}, "start-verdadeiro": {"start": True},
    "lr-texto": {"lr": "0.1"}, "lr-nada": {"lr": None}, "lr-verdadeiro": {"lr": True}, "passos-reais": {"steps": 2.0}, "semente-texto": {"seed": "x"},
    "ritmo-que-nao-e-funcao": {"schedule": 1.0}, "aviso-que-nao-e-funcao": {"on_step": "print"}, "otimizador-classe": {"optimizer": torch.optim.AdamW},
    "otimizador-de-outro": {"optimizer": torch.optim.AdamW(GPTMini(FICHA).parameters())}, "aparelho-que-nao-ha": {"device": "gpu"},
}


@pytest.mark.parametrize("caso", ANTES_DO_PRIMEIRO)
def test_o_que_so_daria_errado_depois_e_recusado_antes_do_primeiro_passo(modelo, caso):
    antes, vistos = copy.deepcopy(modelo.state_dict()), []
    with pytest.raises((TypeError, ValueError)) as erro:
        train(modelo, EXEMPLOS, **{**TREINO, "on_step": vistos.append, **ANTES_DO_PRIMEIRO[caso]})
    assert not portas.defeito_da_recusa(erro.value), erro.value
    assert not vistos and all(torch.equal(v, antes[k]) for k, v in modelo.state_dict().items())
    assert all(p.grad is None for p in modelo.parameters())


@pytest.mark.parametrize("em_volta", [torch.no_grad, torch.inference_mode])
def test_sem_gradientes_nao_ha_treino(modelo, em_volta):
    with em_volta(), pytest.raises(ValueError) as erro:
        train(modelo, EXEMPLOS, **TREINO)
    assert not portas.defeito_da_recusa(erro.value)


def test_um_modelo_todo_congelado_nao_finge_que_treina(modelo):
    modelo.requires_grad_(False)
    with pytest.raises(ValueError) as erro:
        train(modelo, EXEMPLOS, **TREINO)
    assert not portas.defeito_da_recusa(erro.value)


# -- um sentido só ------------------------------------------------------------------------------------------

def test_ids_em_tensor_ou_array_dao_o_mesmo_que_em_lista(modelo):
    texto = torch.randint(20, (40,), generator=semente(0)).tolist()
    for outro in (torch.tensor(texto), np.array(texto), np.array(texto, dtype=np.int16), [np.int64(i) for i in texto], tuple(texto)):
        assert evaluate(modelo, outro) == evaluate(modelo, texto)
    linhas = [texto[:8], texto[8:16]]
    for outro in (torch.tensor(linhas), np.array(linhas), [torch.tensor(linha) for linha in linhas], tuple(map(tuple, linhas))):
        assert evaluate(modelo, outro) == evaluate(modelo, linhas)
        assert all(map(torch.equal, next(batches(outro, 2, 8, semente(0))), next(batches(linhas, 2, 8, semente(0)))))


def test_inteiros_do_numpy_sao_inteiros_e_a_ficha_continua_a_caber_em_json(modelo):
    ficha = GPTConfig(np.int64(20), np.int32(8), np.int64(16), np.uint8(2), np.int16(2), dropout=np.float32(0))
    assert ficha == FICHA and json.loads(json.dumps(dataclasses.asdict(ficha))) == dataclasses.asdict(FICHA)
    a, b = (generate(modelo, COMECO, n, top_k=n, stop=n, generator=semente(0)) for n in (np.int64(5), 5))
    assert torch.equal(a, b)


@pytest.mark.parametrize("sim", ["False", "sim", 0, 1, None, []])
def test_um_texto_nao_e_verdadeiro_nem_falso(sim):
    for ajuste in ("bias", "tie_weights"):
        with pytest.raises((TypeError, ValueError)) as erro:
            GPTConfig(10, 8, 16, 2, 1, **{ajuste: sim})
        assert ajuste in str(erro.value) and not portas.defeito_da_recusa(erro.value)


@pytest.mark.parametrize("ruim", [math.nan, math.inf])
@pytest.mark.parametrize("temperatura", [0, 1.0])
@pytest.mark.parametrize("top_k", [None, 2])
def test_de_um_modelo_que_divergiu_nao_sai_texto(modelo, ruim, temperatura, top_k):
    with torch.no_grad():
        modelo.head.weight[3] = ruim
    for gerar in (generate, generate_cached):
        with pytest.raises(ValueError) as erro:
            gerar(modelo, COMECO, 2, temperature=temperatura, top_k=top_k)
        assert not portas.defeito_da_recusa(erro.value), erro.value


def test_ids_mudados_no_lugar_nao_encontram_um_cache_velho(modelo):
    cache, idx = KVCache(modelo.eval()), torch.tensor([[1, 2, 3]])
    cache(idx)
    idx[0, 0] = 9
    certos = modelo(torch.cat([idx, idx[:, :1]], 1))[0][:, -1]
    torch.testing.assert_close(cache(torch.cat([idx, idx[:, :1]], 1))[0][:, -1], certos)


@pytest.mark.parametrize("palavra", ["zigurate", "z" * 10**7, "a\x00", "\ud800", "\x1b[31m", "\u202e"])
def test_a_palavra_desconhecida_se_copia_se_guarda_e_se_imprime(palavra):
    with pytest.raises(UnknownTokenError) as levantado:
        WordTokenizer(["Ana viu um zigurat."]).encode(f"Ana viu um {palavra}")
    erro = levantado.value
    for copia in (pickle.loads(pickle.dumps(erro)), copy.copy(erro), copy.deepcopy(erro)):
        assert (type(copia), str(copia), copia.token, copia.posicao, copia.vizinhos) == (UnknownTokenError, str(erro), erro.token, 3, erro.vizinhos)
    assert len(pickle.dumps(erro)) < 10_000 and not portas.defeito_da_frase(str(erro))


# -- entradas ruins: uma frase em português, e nada muda ---------------------------------------------------

RUINS = {
    "temperatura-negativa": lambda m: generate(m, COMECO, 2, temperature=-1.0),
    "temperatura-nan": lambda m: generate(m, COMECO, 2, temperature=math.nan),
    "top-k-zero": lambda m: generate(m, COMECO, 2, top_k=0),
    "top-k-quebrado": lambda m: generate(m, COMECO, 2, top_k=1.5),
    "comeco-vazio": lambda m: generate(m, torch.zeros(1, 0, dtype=torch.long), 2),
    "comeco-lista": lambda m: generate(m, [1, 2], 2),
    "comeco-de-uma-dimensao": lambda m: generate(m, torch.tensor([1, 2]), 2),
    "n-negativo": lambda m: generate(m, COMECO, -1),
    "id-fora": lambda m: m(torch.tensor([[20]])),
    "id-negativo": lambda m: m(torch.tensor([[-1]])),
    "id-real": lambda m: m(torch.tensor([[1.0]])),
    "longo-demais": lambda m: m(torch.zeros(1, 9, dtype=torch.long)),
    "sem-tokens": lambda m: m(torch.zeros(1, 0, dtype=torch.long)),
    "alvo-de-outra-forma": lambda m: m(COMECO, COMECO[:, 1:]),
    "alvo-fora": lambda m: m(COMECO, COMECO + 18),
    "sem-exemplos": lambda m: train(m, [], **TREINO),
    "exemplo-curto": lambda m: train(m, [[0]], **TREINO),
    "exemplo-comprido": lambda m: train(m, [[0] * 10], **TREINO),
    "texto-curto": lambda m: train(m, [0] * 8, **TREINO),
    "sem-passos": lambda m: train(m, EXEMPLOS, steps=0, batch_size=2, lr=1e-3),
    "lote-vazio": lambda m: train(m, EXEMPLOS, steps=2, batch_size=0, lr=1e-3),
    "lr-zero": lambda m: train(m, EXEMPLOS, steps=2, batch_size=2, lr=0),
    "lr-nan": lambda m: train(m, EXEMPLOS, steps=2, batch_size=2, lr=math.nan),
    "avaliar-vazio": lambda m: evaluate(m, []),
    "cabecas": lambda m: GPTConfig(10, 8, 10, 3, 1),
    "ficha-negativa": lambda m: GPTConfig(10, 8, -16, 2, 1),
    "ficha-quebrada": lambda m: GPTConfig(10, 8, 16.0, 2, 1),
    "dropout": lambda m: GPTConfig(10, 8, 16, 2, 1, dropout=1.5),
    "vocabulario-de-uma-frase": lambda m: WordTokenizer("uma frase"),
    "vocabulario-vazio": lambda m: WordTokenizer([]),
    "texto-vazio": lambda m: WordTokenizer(["oi"]).encode(""),
    "id-fora-no-decode": lambda m: WordTokenizer(["oi"]).decode([7]),
}


@pytest.mark.parametrize("caso", RUINS)
def test_entrada_ruim_e_recusada_em_portugues_e_nada_muda(modelo, caso):
    antes = copy.deepcopy(modelo.state_dict())
    with pytest.raises((ValueError, TypeError)) as erro:
        RUINS[caso](modelo)
    assert not portas.defeito_da_recusa(erro.value), f"{portas.defeito_da_recusa(erro.value)}: {erro.value}"
    assert all(torch.equal(v, antes[k]) for k, v in modelo.state_dict().items())


# -- a bancada: uma amostra de todas as portas, e cada chamada que já deu em crua --------------------------

@pytest.fixture(scope="module")
def banca():
    with portas.bancada() as banca:
        yield banca


def test_vinte_portas_trinta_entradas_ruins_em_cada():
    contagem = {}
    for nome, trocas in portas.combinacoes():
        contagem.setdefault(nome, set()).add(trocas[0][1])
    assert len(contagem) >= 20 and min(map(len, contagem.values())) >= 30 and sum(1 for _ in portas.combinacoes()) >= 10_000


@pytest.mark.parametrize("sala", sorted({p.sala for p in portas.PORTAS.values()}))
def test_uma_amostra_de_cada_porta_da_sala(banca, sala):
    feitas = portas.rodar(banca, portas.amostra(5, sala))
    assert {t.porta for t in feitas} == {p.nome for p in portas.PORTAS.values() if p.sala == sala}
    assert not any(t.classe == "crua" for t in feitas), portas.cruas(feitas)


DE_ANTES = Path(__file__).with_name("cruas_de_antes.txt").read_text(encoding="utf-8").splitlines()


# Uma em cada seis a cada vez que se mexe em algo; todas, na suíte inteira.
@pytest.mark.parametrize("chamada", [pytest.param(c, marks=[pytest.mark.lento] * (i % 6 > 0)) for i, c in enumerate(DE_ANTES)])
def test_o_que_ja_foi_cru_nao_volta(banca, chamada):
    feita = banca.tenta(*portas.le_chamada(chamada))
    assert feita.classe in ("resposta", "recusa"), portas.cruas([feita])


# -- o que se ensina, medido por fora -----------------------------------------------------------------------

def test_o_dropout_do_feedforward_e_na_saida():
    torch.manual_seed(0)
    camada, x = FeedForward(dataclasses.replace(FICHA, dropout=0.5)), torch.randn(1, 64, 16)
    certa, saida = camada.eval()(x), camada.train()(x)
    zerados = saida == 0
    assert 0.4 < zerados.float().mean() < 0.6
    torch.testing.assert_close(saida, torch.where(zerados, 0, 2 * certa))      # o que fica dobra, para a média não mudar


def test_o_gradiente_maior_que_um_e_cortado_em_um(modelo):
    with torch.no_grad():
        modelo.head.weight.mul_(100)
    antes = [p.detach().clone() for p in modelo.parameters()]
    list(train_steps(modelo, EXEMPLOS, steps=1, batch_size=3, lr=0.1, optimizer=torch.optim.SGD(modelo.parameters(), lr=1.0),
                     schedule=lambda *_: 1))
    andou = torch.cat([(p - era).flatten() for p, era in zip(modelo.parameters(), antes, strict=True)]).norm()
    assert andou.item() == pytest.approx(0.1 * 1.0, rel=1e-3)                  # lr · 1: a norma do gradiente passava disso


def test_a_janela_da_geracao_cresce_ate_o_contexto_e_desliza(modelo):
    vistos = []
    modelo.register_forward_pre_hook(lambda _, entrada: vistos.append(entrada[0].shape[1]))
    generate(modelo, COMECO, 8)
    assert vistos == [3, 4, 5, 6, 7, 8, 8, 8]
