"""O ponto de retomada volta inteiro, ou é recusado com uma frase."""

import errno
import hashlib
import io
import pickle

import pytest
import torch

from apoio import ponto
from gptmini import CharTokenizer, GPTConfig, GPTMini, WordTokenizer
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


def test_o_acaso_guardado_e_o_do_fim_do_passo(tmp_path):
    model, tokenizer, ids, optimizer = treino(dropout=0.3)
    esperadas = []
    for s in train_steps(model, ids, optimizer=optimizer, **OPCOES):
        if s.step == 5:
            acaso = ponto.acaso()
            torch.rand(100)                          # entre o passo e a gravação, alguém sorteia
            ponto.guardar(tmp_path / "p.pt", model, optimizer, tokenizer, 5, no_fim_do_passo=acaso)
            torch.set_rng_state(acaso["acaso"])      # e o treino sem parada segue como se não
        elif s.step > 5:
            esperadas.append(s.train_loss)
    lido, model, _ = ponto.ler(tmp_path / "p.pt")
    optimizer = adamw(model, OPCOES["lr"])
    ponto.retomar(lido, optimizer)
    assert [s.train_loss for s in train_steps(model, ids, start=5, optimizer=optimizer, **OPCOES)] == esperadas


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


def test_disco_cheio_diz_que_esta_cheio(guardado, monkeypatch):
    caminho, _, model = guardado
    antes = caminho.read_bytes()

    def cheio(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", cheio)
    with pytest.raises(OSError, match="não consegui gravar p.pt em .*o disco está cheio") as erro:
        ponto.guardar(caminho, model, adamw(model, 1e-3), CharTokenizer([TEXTO]), 9)
    assert erro.value.errno == errno.ENOSPC and caminho.read_bytes() == antes


def antigo(caminho, mudar=lambda p: None):
    """Um ponto como os de antes: a mesma marca, sem o que veio depois, e com a ficha que não sabia da saída solta."""
    model, tokenizer, _, optimizer = treino()
    p = {"config": vars(model.config), "modelo": model.state_dict(), "otimizador": optimizer.state_dict(), "step": 0, "tokenizador": "caracteres",
         "vocab": tokenizer.vocab, "acaso": torch.get_rng_state(), "acaso_gpu": [], "treino": {}}
    mudar(p)
    torch.save(p, memoria := io.BytesIO())
    caminho.write_bytes(ponto.MARCA + hashlib.sha256(memoria.getvalue()).digest() + memoria.getvalue())
    return caminho


def test_um_ponto_antigo_ainda_se_le(tmp_path):
    lido, model, tokenizer = ponto.ler(antigo(tmp_path / "p.pt"))
    assert type(tokenizer) is CharTokenizer and model.head.weight is model.token_embedding.weight
    ponto.retomar(lido, adamw(model, 1e-3))


def test_um_ponto_antigo_de_saida_solta_volta_solto(tmp_path):
    def soltar(p):
        p["modelo"] = p["modelo"] | {"head.weight": torch.ones_like(p["modelo"]["head.weight"])}
    model = ponto.ler(antigo(tmp_path / "p.pt", soltar))[1]
    assert (model.head.weight == 1).all() and not (model.token_embedding.weight == 1).all() and not model.config.tie_weights


@pytest.mark.parametrize("mudar", [
    lambda p: p.pop("otimizador"), lambda p: p.update(otimizador={}), lambda p: p.update(otimizador={"state": {}, "param_groups": {}}), lambda p: p.update(step="dez"),
    lambda p: p.update(step=None), lambda p: p.update(treino=[1]), lambda p: p.pop("acaso"), lambda p: p.update(acaso_gpu=None), lambda p: p.update(congelados="todos")])
def test_um_ponto_a_que_falta_peca_e_recusado(tmp_path, mudar):
    with pytest.raises(ponto.PontoInvalido, match="não são as de um ponto") as erro:
        ponto.ler(antigo(tmp_path / "p.pt", mudar))
    assert "\n" not in str(erro.value)


def outro(**ficha):
    return GPTMini(GPTConfig(**{"vocab_size": 20, "context_length": 8, "d_model": 16, "n_heads": 2, "n_layers": 1} | ficha))


@pytest.mark.parametrize(("otimizador", "frase"), [
    (lambda m: adamw(outro(d_model=32), 1e-3), "de outro modelo"), (lambda m: adamw(outro(n_layers=2), 1e-3), "mesmos grupos"),
    (lambda m: torch.optim.SGD(m.parameters(), lr=1.0), "um AdamW, e este é um SGD"),
    (lambda m: torch.optim.AdamW([{"params": [p]} for p in m.parameters()], lr=1.0), "mesmos grupos")])
def test_retomar_com_o_otimizador_de_outro_e_recusado_e_nada_muda(guardado, otimizador, frase):
    lido, model, _ = ponto.ler(guardado[0])
    optimizer, sorteio = otimizador(model), torch.get_rng_state()
    antes = repr(optimizer.state_dict())
    with pytest.raises(ponto.PontoInvalido, match=frase):
        ponto.retomar(lido, optimizer)
    assert repr(optimizer.state_dict()) == antes and torch.equal(torch.get_rng_state(), sorteio)


@pytest.mark.parametrize("acaso", [torch.zeros(3), torch.zeros(5056, dtype=torch.int64), torch.zeros(10, dtype=torch.uint8)])
def test_um_acaso_que_nao_serve_e_recusado(guardado, acaso):
    lido, model, _ = ponto.ler(guardado[0])
    with pytest.raises(ponto.PontoInvalido, match="estado do sorteio"):
        ponto.retomar(lido | {"acaso": acaso}, optimizer := adamw(model, 1e-3))
    assert not optimizer.state


@pytest.mark.parametrize("errado", [None, "p.pt", {}, {"otimizador": {}}])
def test_retomar_o_que_nao_e_um_ponto(errado):
    with pytest.raises(TypeError, match="o primeiro dos três que ponto.ler devolve"):
        ponto.retomar(errado, adamw(outro(), 1e-3))
