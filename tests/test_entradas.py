"""As portas que as lições ensinam: o que vem de outro tipo é entendido ou recusado com uma frase, e nada fica mexido."""

import copy
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import torch

from gptmini import GPTConfig, GPTMini, UnknownTokenError, WordTokenizer, batches, evaluate, generate, sample, train, train_steps
from gptmini.treino import adamw

FICHA = GPTConfig(vocab_size=20, context_length=8, d_model=16, n_heads=2, n_layers=1)
EXEMPLOS = [[0, 3, 4, 5, 0], [0, 6, 7, 0], [0, 8, 9, 10, 11, 0]]
TEXTO = [i % 20 for i in range(60)]
TREINO = {"steps": 3, "batch_size": 2, "lr": 1e-2}
IDX = torch.tensor([[1, 2, 3]])


@pytest.fixture
def modelo():
    torch.manual_seed(0)
    return GPTMini(FICHA)


def sorteio(n=0):
    return torch.Generator().manual_seed(n)


# -- exemplos ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feitio", [torch.tensor, np.array, tuple, lambda t: [np.int64(i) for i in t], lambda t: [torch.tensor(i) for i in t],
                                    lambda t: np.array(t, dtype=np.int32)], ids=["tensor", "array", "tupla", "np.int64", "tensores de um número", "int32"])
def test_ids_de_qualquer_tipo_dao_o_mesmo_treino(modelo, feitio):
    outro = copy.deepcopy(modelo)
    perdas = [[p.train_loss for p in train_steps(m, t, **TREINO)] for m, t in ((modelo, TEXTO), (outro, feitio(TEXTO)))]
    assert perdas[0] == perdas[1]
    assert evaluate(modelo, TEXTO) == evaluate(modelo, feitio(TEXTO))


@pytest.mark.parametrize("feitio", [lambda es: [torch.tensor(e) for e in es], lambda es: [np.array(e) for e in es], tuple, lambda es: [tuple(e) for e in es]])
def test_filas_de_ids_de_qualquer_tipo(modelo, feitio):
    assert evaluate(modelo, feitio(EXEMPLOS)) == evaluate(modelo, EXEMPLOS)
    x, _ = next(batches(feitio(EXEMPLOS), 3, 8, sorteio()))
    assert sorted(map(tuple, x.tolist())) == sorted(map(tuple, next(batches(EXEMPLOS, 3, 8, sorteio()))[0].tolist()))


RUINS = {
    "um texto": "Ana tinha uma pipa", "textos": ["Ana tinha", "uma pipa"], "um gerador": (e for e in EXEMPLOS), "um número": 3, "nada": None,
    "um tensor de um número": torch.tensor(3), "um dicionário": {0: 1}, "um conjunto": {1, 2}, "fração entre os ids": [[0, 1.5, 2]],
    "reais inteiros": [[0.0, 1.0, 2.0]], "tensor de reais": torch.rand(60), "array de reais": np.random.rand(60), "verdades": [[True, False, True]],
    "tensor de verdades": torch.ones(60, dtype=torch.bool), "id negativo": [[0, -1, 2]], "id de fora": [[0, 3], [0, 20, 1]], "vazia": [[], []],
    "nan": [[0, math.nan]], "um nada entre os ids": [[0, None]], "tensor meta": torch.empty(60, dtype=torch.long, device="meta"),
    "três dimensões": torch.zeros(2, 3, 4, dtype=torch.long), "um id enorme": [[0, 10**30]], "uma fila que é número": [[0, 1], 5],
}


@pytest.mark.parametrize("ruim", RUINS)
def test_exemplos_que_nao_servem_sao_recusados_antes_do_primeiro_passo(modelo, ruim):
    antes = copy.deepcopy(modelo.state_dict())
    portas = [lambda: train(modelo, RUINS[ruim], **TREINO), lambda: evaluate(modelo, RUINS[ruim])]
    if ruim != "nada":                                           # sem validação, não se mede, e pronto
        portas.append(lambda: train(modelo, EXEMPLOS, validation=RUINS[ruim], **TREINO | {"steps": 100}))
    for porta in portas:
        with pytest.raises((TypeError, ValueError), match="esperava|passe|preciso"):
            porta()
    assert all(torch.equal(v, antes[k]) for k, v in modelo.state_dict().items())


# -- o treino ---------------------------------------------------------------------------------------------


def congelado(m):
    return copy.deepcopy(m).requires_grad_(False)


OPCOES = {
    "começo negativo": {"start": -5}, "começo depois do fim": {"start": 4}, "começo quebrado": {"start": 1.5}, "passos quebrados": {"steps": 2.0},
    "passos verdadeiros": {"steps": True}, "lote em texto": {"batch_size": "2"}, "lr em texto": {"lr": "0.1"}, "sem lr": {"lr": None},
    "lr verdadeiro": {"lr": True}, "lr infinito": {"lr": math.inf}, "semente em texto": {"seed": "x"}, "ritmo que não é função": {"schedule": 0.5},
    "ritmo negativo": {"schedule": lambda p, n: -1.0}, "ritmo que dá nan": {"schedule": lambda p, n: math.nan}, "otimizador pelo nome": {"optimizer": "adam"},
    "dispositivo que não há": {"device": "banana"}, "on_step que não é função": {"on_step": 3},
}


@pytest.mark.parametrize("opcao", OPCOES)
def test_opcao_de_treino_sem_sentido_e_recusada_e_nada_muda(modelo, opcao):
    antes = copy.deepcopy(modelo.state_dict())
    with pytest.raises((TypeError, ValueError), match="esperava"):
        train(modelo, EXEMPLOS, **TREINO | OPCOES[opcao])
    assert all(torch.equal(v, antes[k]) for k, v in modelo.state_dict().items())


def test_otimizador_de_outro_modelo_nao_treina_em_silencio(modelo):
    outro = copy.deepcopy(modelo)
    with pytest.raises(ValueError, match="otimizador é de outro modelo"):
        train(modelo, EXEMPLOS, optimizer=adamw(outro, 1e-2), **TREINO)
    so_a_saida = torch.optim.SGD(modelo.blocks[0].parameters(), lr=1e-2)      # parte do modelo é ajuste fino, e vale
    assert len(train(modelo, EXEMPLOS, optimizer=so_a_saida, **TREINO)) == 3


@pytest.mark.parametrize("ruim", [None, GPTMini, torch.nn.Linear(2, 2), "modelo"], ids=["nada", "a classe", "uma camada", "um texto"])
def test_o_que_nao_e_modelo_e_recusado(ruim):
    for porta in (lambda: train(ruim, EXEMPLOS, **TREINO), lambda: evaluate(ruim, EXEMPLOS), lambda: generate(ruim, IDX, 2)):
        with pytest.raises(TypeError, match="esperava um modelo montado"):
            porta()


def test_congelado_sem_gradientes_ou_sem_numeros_nao_treina(modelo):
    with pytest.raises(ValueError, match="nenhum peso deste modelo aprende"):
        train(congelado(modelo), EXEMPLOS, **TREINO)
    with torch.no_grad(), pytest.raises(ValueError, match="gradientes estão desligados"):
        train(modelo, EXEMPLOS, **TREINO)
    with torch.device("meta"):
        vazio = GPTMini(FICHA)
    for porta in (lambda: train(vazio, EXEMPLOS, **TREINO), lambda: evaluate(vazio, EXEMPLOS), lambda: generate(vazio, IDX, 2)):
        with pytest.raises(ValueError, match="não tem números"):
            porta()


@pytest.mark.parametrize("como", ["on_step", "interrompido"])
def test_um_treino_parado_no_meio_traz_a_validacao_medida_ali(modelo, como, capsys):
    def para(passo):
        if passo.step == 7:
            if como == "interrompido":
                raise KeyboardInterrupt
            return False

    historia = train(modelo, EXEMPLOS, validation=EXEMPLOS, steps=100, batch_size=2, lr=1e-3, on_step=para)
    assert len(historia) == 7 and historia[-1].val_loss == evaluate(modelo, EXEMPLOS)


def test_interrompido_antes_do_primeiro_passo_nao_finge_que_treinou(modelo, monkeypatch):
    def nenhum(*_, **__):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("gptmini.treino.train_steps", nenhum)
    with pytest.raises(KeyboardInterrupt):
        train(modelo, EXEMPLOS, **TREINO)


@pytest.mark.parametrize("erro", [None, KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("treinando", [True, False])
def test_avaliar_e_gerar_devolvem_cada_peca_ao_modo_em_que_estava(modelo, treinando, erro):
    modelo.train(treinando)
    modelo.blocks[0].attention.train(not treinando)              # uma peça congelada fica como está
    modos = [m.training for m in modelo.modules()]
    if erro:
        def falha(*_):
            raise erro
        modelo.head.register_forward_pre_hook(falha)
    for porta in (lambda: evaluate(modelo, EXEMPLOS), lambda: generate(modelo, IDX, 2)):
        if erro:
            with pytest.raises(erro):
                porta()
        else:
            porta()
        assert [m.training for m in modelo.modules()] == modos


# -- geração ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ruim", [math.nan, math.inf], ids=["nan", "infinito"])
@pytest.mark.parametrize("temperature", [0, 1e-12, 1.0])
def test_logits_que_nao_sao_numeros_nao_viram_texto(modelo, ruim, temperature):
    logits = torch.zeros(2, 5)
    logits[1, 3] = ruim
    with pytest.raises(ValueError, match="nan ou infinito"):
        sample(logits, temperature)
    with torch.no_grad():
        modelo.head.weight.fill_(ruim)
    with pytest.raises(ValueError, match="nan ou infinito"):
        generate(modelo, IDX, 2, temperature)


def test_menos_infinito_e_so_uma_palavra_proibida():
    logits = torch.tensor([0.0, -math.inf, 1.0])
    assert set(sample(logits.expand(500, 3), generator=sorteio()).tolist()) == {0, 2}
    assert sample(logits, 0).item() == 2
    with pytest.raises(ValueError, match="nan ou infinito"):
        sample(torch.full((3,), -math.inf))


@pytest.mark.parametrize("logits", [None, [1.0, 2.0], torch.tensor([1, 2]), torch.tensor(1.0), torch.zeros(0), torch.zeros(1, 2, 3), torch.zeros(2, dtype=torch.cfloat),
                                    torch.zeros(3, device="meta"), np.zeros(3)], ids=str)
def test_logits_de_outro_feitio_sao_recusados(logits):
    with pytest.raises((TypeError, ValueError), match="esperava"):
        sample(logits)


@pytest.mark.parametrize("pedido", [{"temperature": True}, {"temperature": "1"}, {"temperature": None}, {"temperature": -1}, {"top_k": True}, {"top_k": 2.0}, {"top_k": "5"},
                                    {"stop": True}, {"stop": 20}, {"stop": 1.0}, {"max_new_tokens": True}, {"max_new_tokens": 2.5}, {"max_new_tokens": None},
                                    {"generator": 5}, {"temperature": Fraction(-1, 2)}, {"top_k": 0}, {"idx": torch.ones(1, 3, dtype=torch.bool)},
                                    {"idx": torch.zeros(1, 2, dtype=torch.cfloat)}, {"idx": torch.empty(1, 3, dtype=torch.long, device="meta")}], ids=str)
def test_pedido_de_geracao_sem_sentido_e_recusado(modelo, pedido):
    acaso = torch.get_rng_state()
    with pytest.raises((TypeError, ValueError), match="esperava"):
        generate(modelo, **{"idx": IDX, "max_new_tokens": 3} | pedido)
    assert torch.equal(acaso, torch.get_rng_state())


def test_numeros_do_numpy_valem_como_os_do_python(modelo):
    um = generate(modelo, IDX, 5, 0.7, 3, 0, sorteio())
    assert torch.equal(um, generate(modelo, IDX, np.int64(5), np.float32(0.7), np.int64(3), np.int32(0), sorteio()))
    assert GPTConfig(*map(np.int64, (20, 8, 16, 2, 1)), dropout=np.float64(0.1)) == GPTConfig(20, 8, 16, 2, 1, 0.1)
    assert type(GPTConfig(np.int64(20), 8, 16, 2, 1).vocab_size) is int


# -- a ficha, a máscara, o vocabulário --------------------------------------------------------------------


@pytest.mark.parametrize("ficha", [{"tie_weights": "False"}, {"tie_weights": 0}, {"bias": None}, {"bias": "True"}, {"n_heads": True}, {"d_model": 16.0}, {"d_model": "16"},
                                   {"dropout": True}, {"dropout": math.nan}, {"dropout": 1}, {"context_length": 10**30}, {"vocab_size": -1}], ids=str)
def test_ficha_de_outro_tipo_e_recusada(ficha):
    with pytest.raises(ValueError, match="esperava"):
        GPTConfig(**{"vocab_size": 20, "context_length": 8, "d_model": 16, "n_heads": 2, "n_layers": 1} | ficha)


def test_a_mascara_volta_certa_de_quem_nasceu_sem_numeros(modelo):
    with torch.device("meta"):
        vazio = GPTMini(FICHA)
    lixo = torch.empty(3, 3).fill_(7)                            # suja a memória que o to_empty vai pegar
    del lixo
    cheio = vazio.to_empty(device="cpu")
    cheio.load_state_dict(modelo.state_dict())
    assert cheio.blocks[0].attention.allowed.equal(torch.ones(8, 8, dtype=torch.bool).tril())
    ids = torch.randint(20, (2, 8), generator=sorteio())
    assert torch.equal(cheio.eval()(ids)[0], modelo.eval()(ids)[0])
    modelo.blocks[0].attention.allowed.fill_(True)               # quem abre a máscara de propósito continua com ela aberta
    assert modelo.to(torch.float64).blocks[0].attention.allowed.all()


def test_ids_e_modelo_em_lugares_diferentes(modelo):
    with pytest.raises(ValueError, match=r"leve os dois ao mesmo lugar"):
        modelo(torch.zeros(1, 3, dtype=torch.long, device="meta"))


def test_o_erro_de_palavra_desconhecida_viaja_e_nao_carrega_o_mundo():
    tokenizer = WordTokenizer(["Ana tinha uma pipa."])
    with pytest.raises(UnknownTokenError) as pego:
        tokenizer.encode("Ana tinha uma pippa.")
    for copia in (pickle.loads(pickle.dumps(pego.value)), copy.copy(pego.value), copy.deepcopy(pego.value)):
        assert (str(copia), copia.token, copia.posicao, copia.vizinhos) == (str(pego.value), "pippa", 3, ["pipa"])
    with pytest.raises(UnknownTokenError) as pego:
        tokenizer.encode("Ana " + "x" * 10_000_000)
    assert len(str(pego.value)) < 200 and len(pickle.dumps(pego.value)) < 500 and pego.value.posicao == 1


@pytest.mark.parametrize("ids", [5, None, "12", [1, True], [1.0], [[1], [2, 3]], torch.tensor(1), torch.tensor([0.5, 0.5]), [10**30], [-1]], ids=str)
def test_decode_de_outra_coisa_e_recusado(ids):
    with pytest.raises((TypeError, ValueError), match="esperava|fila"):
        WordTokenizer(["Ana tinha uma pipa."]).decode(ids)
