"""O ponto de retomada volta inteiro, ou é recusado com uma frase."""

import pickle

import pytest
import torch

from gptmini import CharTokenizer, GPTConfig, GPTMini, WordTokenizer, ponto
from gptmini.treino import adamw, train_steps

TEXTO = "o gato subiu no telhado e o sabiá cantou na mangueira. " * 4
OPCOES = {"steps": 12, "batch_size": 4, "lr": 1e-2, "seed": 3}


def treino(dropout=0.0):
    torch.manual_seed(0)
    tokenizer = CharTokenizer([TEXTO])
    model = GPTMini(GPTConfig(tokenizer.vocab_size, 8, 16, 2, 1, dropout))
    return model, tokenizer, tokenizer.encode(TEXTO), adamw(model, OPCOES["lr"])


@pytest.fixture
def guardado(tmp_path):
    """Um ponto no passo 5 de um treino com dropout, e as perdas que o treino sem parar teria dali em diante."""
    model, tokenizer, ids, optimizer = treino(dropout=0.3)
    perdas = []
    for s in train_steps(model, ids, optimizer=optimizer, **OPCOES):
        perdas.append(s)
        if s.step == 5:
            ponto.guardar(tmp_path / "p.pt", model, optimizer, tokenizer, 5, anotado=7)
    return tmp_path / "p.pt", perdas[5:], model


def test_retomar_da_as_mesmas_perdas_e_os_mesmos_pesos(guardado):
    caminho, esperadas, ate_o_fim = guardado
    lido, model, tokenizer = ponto.ler(caminho)
    optimizer = adamw(model, OPCOES["lr"])
    torch.rand(100)                                  # outro acaso no caminho
    ponto.retomar(lido, optimizer)
    vistas = list(train_steps(model, tokenizer.encode(TEXTO), start=lido["step"], optimizer=optimizer, **OPCOES))
    assert [(s.step, s.train_loss, s.tokens) for s in vistas] == [(s.step, s.train_loss, s.tokens) for s in esperadas]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), ate_o_fim.parameters(), strict=True))
    assert lido["treino"] == {"anotado": 7}


@pytest.mark.parametrize("classe", [CharTokenizer, WordTokenizer])
def test_o_tokenizador_volta_o_mesmo(tmp_path, classe):
    tokenizer = classe(["Ana viu, à noite:\n— um sabiá!"])
    model = GPTMini(GPTConfig(tokenizer.vocab_size, 8, 16, 2, 1))
    ponto.guardar(tmp_path / "p.pt", model, adamw(model, 1e-3), tokenizer, 1)
    volta = ponto.ler(tmp_path / "p.pt")[2]
    assert type(volta) is classe and volta.vocab == tokenizer.vocab


def test_um_bit_trocado_em_qualquer_lugar_e_recusado(guardado):
    caminho = guardado[0]
    dados = caminho.read_bytes()
    for lugar in torch.randint(len(dados), (60,), generator=torch.Generator().manual_seed(0)).tolist() + [0, 20, len(dados) - 1]:
        caminho.write_bytes(dados[:lugar] + bytes([dados[lugar] ^ 1]) + dados[lugar + 1 :])
        with pytest.raises(ponto.PontoInvalido, match=r"quebrado|não é um ponto"):
            ponto.ler(caminho)


@pytest.mark.parametrize("fracao", [0, 0.001, 0.5, 0.999])
def test_um_arquivo_cortado_e_recusado(guardado, fracao):
    dados = guardado[0].read_bytes()
    guardado[0].write_bytes(dados[: int(len(dados) * fracao)])
    with pytest.raises(ponto.PontoInvalido, match=r"quebrado|não é um ponto"):
        ponto.ler(guardado[0])


class Hostil:
    def __reduce__(self):
        return open, ("hostil-foi-executado", "w")


def test_um_arquivo_hostil_nao_executa_nada(tmp_path, monkeypatch):
    import hashlib

    monkeypatch.chdir(tmp_path)
    corpo = pickle.dumps(Hostil())
    (tmp_path / "p.pt").write_bytes(ponto.MARCA + hashlib.sha256(corpo).digest() + corpo)
    with pytest.raises(ponto.PontoInvalido, match="não são as de um ponto"):
        ponto.ler("p.pt")
    assert not (tmp_path / "hostil-foi-executado").exists()


def test_uma_gravacao_interrompida_deixa_o_ponto_anterior(guardado, monkeypatch):
    caminho, _, model = guardado
    antes = caminho.read_bytes()
    monkeypatch.setattr("os.fsync", lambda arquivo: (_ for _ in ()).throw(OSError("disco cheio")))
    with pytest.raises(OSError, match="disco cheio"):
        ponto.guardar(caminho, model, adamw(model, 1e-3), CharTokenizer([TEXTO]), 9)
    assert caminho.read_bytes() == antes and [p.name for p in caminho.parent.iterdir()] == ["p.pt"]
