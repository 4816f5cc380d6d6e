"""Gravar não perde nem deixa restos; ler não executa, não trava e não cresce; baixar diz por que não veio."""

import copy
import dataclasses
import errno
import functools
import hashlib
import http.server
import io
import json
import os
import pickle
import random
import shutil
import signal
import ssl
import stat
import subprocess
import tempfile
import threading
import time
import unicodedata
import urllib.error
import zipfile

import httpx
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import mortes
from apoio import arquivos, ponto, pronto
from apoio.arquivos import NaoGravou, NaoVeio, gravar
from gptmini import CharTokenizer, GPTConfig, GPTMini, WordTokenizer
from gptmini.treino import adamw

com_e_sem_nome = pytest.mark.parametrize("sem_nome", [True, False], ids=["como-aqui", "com-nome"])


@pytest.fixture
def como(monkeypatch):
    """Onde o sistema ou o disco não têm arquivos sem nome, o caminho é outro; os dois se testam."""
    def escolher(sem_nome):
        if not sem_nome:
            monkeypatch.setattr(arquivos, "_sem_nome", lambda pasta: None)
    return escolher


def nomes(pasta):
    return sorted(p.name for p in pasta.iterdir())


# -- gravar -----------------------------------------------------------------------------------------------


@com_e_sem_nome
@pytest.mark.parametrize("nome", ["m.pt", "ç ã.pt", "[a]*?.pt", "n" * 250, ".oculto", "sem-ponto"])
def test_grava_e_troca_qualquer_nome_sem_deixar_mais_nada(tmp_path, como, nome, sem_nome):
    como(sem_nome)
    for dados in (b"um", b"", b"\x00\xff" * 100_000):
        gravar(tmp_path / "nova" / nome, dados)
        assert (tmp_path / "nova" / nome).read_bytes() == dados and nomes(tmp_path / "nova") == [nome]


@com_e_sem_nome
def test_as_permissoes_sao_as_de_costume_ou_as_do_arquivo_trocado(tmp_path, como, sem_nome):
    como(sem_nome)
    mascara = os.umask(0o027)
    try:
        gravar(tmp_path / "m", b"1")
        assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640
        (tmp_path / "m").chmod(0o604)
        gravar(tmp_path / "m", b"2")
    finally:
        os.umask(mascara)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o604


def test_um_atalho_continua_atalho_e_o_alvo_muda(tmp_path):
    (tmp_path / "longe").mkdir()
    (tmp_path / "atalho").symlink_to(tmp_path / "longe" / "m")
    for dados in (b"1", b"2"):      # da primeira vez, o alvo ainda não existe
        gravar(tmp_path / "atalho", dados)
        assert (tmp_path / "atalho").is_symlink() and (tmp_path / "longe" / "m").read_bytes() == dados
    assert nomes(tmp_path) == ["atalho", "longe"] and nomes(tmp_path / "longe") == ["m"]


def test_o_que_nao_e_um_arquivo_comum_nao_se_troca(tmp_path):
    (tmp_path / "pasta").mkdir()
    os.mkfifo(tmp_path / "fila")
    (tmp_path / "arquivo").write_bytes(b"")
    for alvo, frase in (("pasta", "o de uma pasta"), ("fila", "aparelho"), ("arquivo/m", "no meio do caminho há um arquivo"), ("n" * 300, "comprido")):
        with pytest.raises(NaoGravou, match=frase) as erro:
            gravar(tmp_path / alvo, b"x")
        assert erro.value.errno and len(str(erro.value)) < 300 and "\n" not in str(erro.value)
    for ruim in (3, None, "a\0b"):
        with pytest.raises(TypeError, match="esperava o nome de um arquivo"):
            gravar(ruim, b"x")
    assert nomes(tmp_path) == ["arquivo", "fila", "pasta"] and stat.S_ISFIFO((tmp_path / "fila").stat().st_mode)


FALHAS = {errno.ENOSPC: "disco está cheio", errno.EDQUOT: "está cheia", errno.EACCES: "falta permissão", errno.EROFS: "só de leitura",
          errno.EIO: "defeito", errno.EFBIG: "grande demais", 9999: "o sistema respondeu «x»"}


@com_e_sem_nome
@pytest.mark.parametrize("codigo", FALHAS)
def test_a_falha_diz_o_motivo_guarda_o_codigo_e_deixa_o_antigo(tmp_path, monkeypatch, como, codigo, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")
    original = os.fsync if codigo != errno.EACCES else None

    def falhar(*_):
        raise OSError(codigo, "x")

    monkeypatch.setattr(os, "fsync" if original else "access", falhar)
    with pytest.raises(NaoGravou, match=FALHAS[codigo]) as erro:
        gravar(tmp_path / "m", b"novo")
    assert erro.value.errno == codigo and "gravar m em" in str(erro.value)
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_disco_cheio_de_verdade(tmp_path, monkeypatch):
    if not os.path.exists("/dev/full"):
        pytest.skip("este sistema não tem /dev/full")
    gravar(tmp_path / "m", b"antigo")
    abrir = arquivos._abrir

    def no_cheio(novo):
        os.dup2(os.open("/dev/full", os.O_RDWR), (arquivo := abrir(novo)).fileno())
        return arquivo

    monkeypatch.setattr(arquivos, "_abrir", no_cheio)
    with pytest.raises(NaoGravou, match="disco está cheio") as erro:
        gravar(tmp_path / "m", b"x" * 100_000)
    assert erro.value.errno == errno.ENOSPC and (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


@com_e_sem_nome
def test_o_que_o_disco_devolve_trocado_nao_toma_o_lugar_do_antigo(tmp_path, monkeypatch, como, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")
    fsync = os.fsync

    def estragar(descritor):
        fsync(descritor)
        os.pwrite(descritor, b"?", 3)

    monkeypatch.setattr(os, "fsync", estragar)
    with pytest.raises(NaoGravou, match="o disco não devolveu o que foi escrito"):
        gravar(tmp_path / "m", b"novo inteiro")
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_um_arquivo_aberto_por_outro_programa_e_tentado_algumas_vezes(tmp_path, monkeypatch):
    """O que um antivírus faz no Windows: por um instante, ou por muito tempo, o os.replace não passa."""
    gravar(tmp_path / "m", b"antigo")
    trocar, tentativas = os.replace, []

    def presa(*nomes_dos_dois):
        tentativas.append(1)
        if len(tentativas) < preso_por:
            raise PermissionError(errno.EACCES, "Access is denied")
        return trocar(*nomes_dos_dois)

    monkeypatch.setattr(os, "replace", presa)
    monkeypatch.setattr(time, "sleep", lambda _: None)
    preso_por = 4
    gravar(tmp_path / "m", b"novo")
    assert (tmp_path / "m").read_bytes() == b"novo" and len(tentativas) == 4
    preso_por = 10**9
    with pytest.raises(NaoGravou, match="outro programa está com o arquivo aberto") as erro:
        gravar(tmp_path / "m", b"terceiro")
    assert erro.value.errno == errno.EACCES and (tmp_path / "m").read_bytes() == b"novo" and nomes(tmp_path) == ["m"]


@com_e_sem_nome
@pytest.mark.parametrize("onde", ["os.fsync", "os.replace", "apoio.arquivos._trancado"])
def test_ctrl_c_no_meio_nao_deixa_restos(tmp_path, monkeypatch, como, onde, sem_nome):
    como(sem_nome)
    gravar(tmp_path / "m", b"antigo")

    def parar(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(onde, parar)
    with pytest.raises(KeyboardInterrupt):
        gravar(tmp_path / "m", b"novo")
    assert (tmp_path / "m").read_bytes() == b"antigo" and nomes(tmp_path) == ["m"]


def test_varre_o_resto_de_um_morto_e_so_dele(tmp_path, monkeypatch, como):
    como(sem_nome=False)
    fora, dentro = os.pipe()

    def parar_no_meio():
        monkeypatch.setattr(os, "fsync", lambda _: (os.write(dentro, b"x"), time.sleep(60)))
        gravar(tmp_path / "m", b"nunca chega")

    vivo, morto = mortes.filho(parar_no_meio), mortes.filho(parar_no_meio)
    try:
        os.read(fora, 1), os.read(fora, 1)
        os.kill(morto, signal.SIGKILL)
        os.waitpid(morto, 0)
        de_outro = [f"n.{'0' * 16}.parcial", "m.parcial", "m.meu.parcial", f"m.{'g' * 16}.parcial"]
        for nome in de_outro:
            (tmp_path / nome).write_bytes(b"")
        assert len(nomes(tmp_path)) == 2 + len(de_outro)
        gravar(tmp_path / "m", b"novo")
        assert len(nomes(tmp_path)) == 2 + len(de_outro) and {"m", *de_outro} < {*nomes(tmp_path)}      # ficou o do vivo
    finally:
        os.kill(vivo, signal.SIGKILL)
        os.waitpid(vivo, 0)
    gravar(tmp_path / "m", b"outro")
    assert nomes(tmp_path) == sorted(["m", *de_outro])


def test_sem_trava_do_sistema_a_idade_diz_quem_morreu(tmp_path, monkeypatch):
    """O caminho do Windows."""
    monkeypatch.setattr(arquivos, "fcntl", None)
    monkeypatch.setattr(arquivos, "_sem_nome", lambda pasta: None)
    velho, novo = (tmp_path / f"m.{letra * 16}.parcial" for letra in "ab")
    for resto in (velho, novo):
        resto.write_bytes(b"")
    os.utime(velho, (time.time() - 3600,) * 2)
    gravar(tmp_path / "m", b"1")
    assert nomes(tmp_path) == ["m", novo.name]


@pytest.mark.lento
@com_e_sem_nome
@pytest.mark.parametrize("grava", [mortes.um_modelo, mortes.um_ponto, mortes.uma_pagina, mortes.um_treino])
def test_morto_a_qualquer_momento_nada_se_perde_e_nada_sobra(monkeypatch, como, grava, sem_nome):
    como(sem_nome)
    conta = mortes.matar(grava, 6, ate=0.5 if grava is mortes.um_treino else 0.05)
    assert conta["mortes"] == 6 and conta["perdas"] == conta["restos no fim"] == 0, conta


@pytest.mark.lento
@com_e_sem_nome
@pytest.mark.parametrize("grava", [mortes.um_modelo, mortes.um_ponto, mortes.uma_pagina])
def test_dois_processos_gravam_o_mesmo_arquivo(como, grava, sem_nome):
    como(sem_nome)
    conta = mortes.em_dupla(grava, 3, 6)
    assert conta == {"gravações": 36, "falhas": 0, "pares": 3, "quebrados": 0, "restos": 0}


# -- o que foi guardado volta, num modelo e num ponto ------------------------------------------------------

TEXTOS = ["Ana viu, à noite:\n— um sabiá!", "beija-flor; e\tmais 😀\u2003fim. A\u0301\u0323 x\u0301 \u0301"]
PALAVRAS, LETRAS = WordTokenizer(TEXTOS), CharTokenizer(TEXTOS)


def novo(tokenizer=PALAVRAS, **ficha):
    torch.manual_seed(0)
    return GPTMini(GPTConfig(tokenizer.vocab_size, **{"context_length": 8, "d_model": 16, "n_heads": 2, "n_layers": 1} | ficha))


def logits(model):
    ids = torch.randint(model.config.vocab_size, (2, 8), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return copy.deepcopy(model).float().eval()(ids)[0]


class Modelo:
    guardar = staticmethod(lambda model, tokenizer, caminho, **notas: pronto.guardar(model, tokenizer, caminho, **notas))
    ler = staticmethod(pronto.ler)
    recusa, marca, pesos, folga = pronto.ModeloInvalido, pronto.MARCA, "pesos", 1e-3


OTIMIZADOR = adamw(novo(), 1e-3)


class Ponto:
    guardar = staticmethod(lambda model, tokenizer, caminho, **notas: ponto.guardar(caminho, model, OTIMIZADOR, tokenizer, 3, **notas))
    recusa, marca, pesos, folga = ponto.PontoInvalido, ponto.MARCA, "modelo", 0.0

    @staticmethod
    def ler(caminho):
        lido, model, tokenizer = ponto.ler(caminho)
        return model, tokenizer, lido["treino"]


nos_dois = pytest.mark.parametrize("meio", [Modelo, Ponto])


def ida_e_volta(meio, caminho, model, tokenizer=PALAVRAS, **notas):
    meio.guardar(model, tokenizer, caminho, **notas)
    return meio.ler(caminho)


class MinhasPalavras(WordTokenizer):
    """A que alguém escreveu no notebook: outra classe, o mesmo comportamento."""


class SoMinusculas(WordTokenizer):
    @staticmethod
    def split(text):
        return WordTokenizer.split(text.lower())


class SemRegraDeEspaco(WordTokenizer):
    @staticmethod
    def join(tokens):
        return " ".join(tokens)


class Silabas:
    vocab, vocab_size, fim = PALAVRAS.vocab, PALAVRAS.vocab_size, 0


@nos_dois
@pytest.mark.parametrize("tokenizer", [PALAVRAS, LETRAS, MinhasPalavras(TEXTOS), CharTokenizer(["a", "\u0301", "é", "e\u0323", " ", "\n", "\u2028", "\U0001f600"]),
                                       CharTokenizer([unicodedata.normalize("NFD", "coração é só") + "\u0301\u0327"])])
def test_o_tokenizador_volta_do_mesmo_tipo_e_com_o_vocabulario_exato(tmp_path, meio, tokenizer):
    volta = ida_e_volta(meio, tmp_path / "a", novo(tokenizer), tokenizer)[1]
    assert type(volta) is (CharTokenizer if isinstance(tokenizer, CharTokenizer) else WordTokenizer)
    assert volta.vocab == tokenizer.vocab and vars(volta) == vars(tokenizer)
    todos = [*range(1, tokenizer.vocab_size), *range(tokenizer.vocab_size - 1, 0, -1)]
    assert volta.decode(todos) == tokenizer.decode(todos)


@nos_dois
def test_um_vocabulario_em_outra_ordem_volta_na_ordem_em_que_estava(tmp_path, meio):
    tokenizer = WordTokenizer(TEXTOS)
    tokenizer.vocab[1:] = tokenizer.vocab[:0:-1]
    tokenizer.ids = {t: i for i, t in enumerate(tokenizer.vocab)}
    volta = ida_e_volta(meio, tmp_path / "a", novo(), tokenizer)[1]
    assert volta.vocab == tokenizer.vocab and volta.encode("Ana viu") == tokenizer.encode("Ana viu")


@nos_dois
@pytest.mark.parametrize(("tokenizer", "frase"), [
    (SoMinusculas(TEXTOS), "não voltaria igual.*encode"), (SemRegraDeEspaco(TEXTOS), "não voltaria igual.*decode"), (Silabas(), "tokenizer veio Silabas"),
    (None, "tokenizer veio NoneType"), ("palavras", "tokenizer veio str"), (LETRAS, "use o tokenizador com que ele treinou")])
def test_o_tokenizador_que_voltaria_outro_e_recusado(tmp_path, meio, tokenizer, frase):
    with pytest.raises((TypeError, ValueError), match=frase) as erro:
        meio.guardar(novo(tokenizer) if isinstance(tokenizer, SoMinusculas) else novo(), tokenizer, tmp_path / "a")
    assert "\n" not in str(erro.value) and nomes(tmp_path) == []


@nos_dois
@pytest.mark.parametrize("repetido", [["<fim>", "a", "a"], ["<fim>", 1, "a"], "abc", {"<fim>": 0}, None])
def test_um_vocabulario_que_nao_e_uma_lista_de_tokens_e_recusado(tmp_path, meio, repetido):
    tokenizer = WordTokenizer(["a b"])
    tokenizer.vocab = repetido
    with pytest.raises(ValueError, match="lista de tokens diferentes"):
        meio.guardar(novo(WordTokenizer(["a b"])), tokenizer, tmp_path / "a")


def solto(model):
    model.head.weight = nn.Parameter(torch.randn_like(model.head.weight))


def amarrado(model):
    model.head.weight = model.token_embedding.weight


def com(nome, valor):
    def mudar(model):
        with torch.no_grad():
            model.get_parameter(nome).view(-1)[0] = valor
    return mudar


def todos_vezes(fator):
    def mudar(model):
        for p in model.parameters():
            p.data.mul_(fator)
    return mudar


MUDANCAS = {
    "nada": lambda model: None, "saida-solta": solto, "saida-amarrada": amarrado, "peso-grande": com("blocks.0.attention.qkv.bias", 1e6),
    "peso-enorme": com("blocks.0.feedforward.contract.weight", -3e38), "tabela-minuscula": lambda m: m.position_embedding.weight.data.mul_(1e-7),
    "double": lambda m: m.double(), "bfloat16": lambda m: m.bfloat16(), "half": lambda m: m.half(), "congelado": lambda m: m.requires_grad_(False),
    "em-treino": lambda m: m.train(), "modo-misto": lambda m: m.eval().blocks[0].train(), "sem-vies-nenhum": lambda m: m.final_norm.bias.data.zero_(),
}


@nos_dois
@pytest.mark.parametrize(("mudanca", "ficha"), [(mudanca, {}) for mudanca in MUDANCAS] + [
    (mudanca, ficha) for mudanca in ("nada", "saida-solta", "saida-amarrada") for ficha in ({"tie_weights": False}, {"bias": False, "dropout": 0.25, "n_layers": 2})])
@pytest.mark.uma_em(3)
def test_o_modelo_volta_como_estava_e_quem_o_guardou_nao_muda(tmp_path, meio, mudanca, ficha):
    model = novo(**ficha)
    MUDANCAS[mudanca](model)
    antes = [(m.training, sorted(vars(m))) for m in model.modules()], [p.requires_grad for p in model.parameters()], copy.deepcopy(model.state_dict())
    sorteio = torch.get_rng_state()
    volta = ida_e_volta(meio, tmp_path / "a", model)[0]
    assert torch.equal(torch.get_rng_state(), sorteio)
    assert [(m.training, sorted(vars(m))) for m in model.modules()] == antes[0] and [p.requires_grad for p in model.parameters()] == antes[1]
    assert all(torch.equal(p, antes[2][nome]) for nome, p in model.state_dict().items())
    amarrada = model.head.weight is model.token_embedding.weight
    assert (volta.head.weight is volta.token_embedding.weight) == amarrada == volta.config.tie_weights
    assert dataclasses.replace(volta.config, tie_weights=model.config.tie_weights) == model.config
    for nome, p in model.state_dict().items():
        torch.testing.assert_close(volta.state_dict()[nome].double(), p.double(), rtol=meio.folga, atol=meio.folga * p.abs().max().item())
    torch.testing.assert_close(logits(volta), logits(model), rtol=0, atol=2 * meio.folga * logits(model).nan_to_num().abs().max().item(), equal_nan=True)
    if meio is Ponto:
        assert [(p.dtype, p.requires_grad) for p in volta.parameters()] == [(p.dtype, p.requires_grad) for p in model.parameters()]
    else:
        assert not volta.training and {p.dtype for p in volta.parameters()} == {torch.float32}


@nos_dois
def test_um_modelo_feito_sob_inference_mode_tambem(tmp_path, meio):
    with torch.inference_mode():
        model = novo()
    assert torch.equal(ida_e_volta(meio, tmp_path / "a", model)[0].head.weight.half(), model.head.weight.half())


class PosNorma(nn.Module):
    def __init__(self, bloco):
        super().__init__()
        self.norm1, self.attention, self.norm2, self.feedforward = bloco.norm1, bloco.attention, bloco.norm2, bloco.feedforward

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feedforward(x))


OUTROS = {
    "pos-norma": (lambda m: m.blocks.__setitem__(1, PosNorma(m.blocks[1])), "bloco 2"),
    "outro-eps": (lambda m: setattr(m.final_norm, "eps", 1e-3), "normalização final"),
    "gancho": (lambda m: m.blocks[0].register_forward_hook(lambda *a: a[2] * 2), "bloco 1"),
    "relu": (lambda m: setattr(m.blocks[0].feedforward, "gelu", nn.ReLU()), "feedforward do bloco 1"),
    "outras-cabecas": (lambda m: setattr(m.blocks[1].attention, "n_heads", 4), "bloco 2"),
    "peca-a-mais": (lambda m: setattr(m, "extra", nn.Linear(2, 2)), "extra.weight"),
    "vies-na-saida": (lambda m: setattr(m, "head", nn.Linear(16, m.config.vocab_size)), "head.bias"),
    "ficha-de-outro": (lambda m: setattr(m, "config", GPTConfig(m.config.vocab_size, 8, 32, 2, 2)), "token_embedding.weight"),
    "ficha-com-mais-blocos": (lambda m: setattr(m, "config", GPTConfig(m.config.vocab_size, 8, 16, 2, 10**9)), "blocos"),
    "dropouts-diferentes": (lambda m: setattr(m.dropout, "p", 0.5), "dropout"),
    "nan": (com("blocks.0.norm1.gain", float("nan")), "blocks.0.norm1.gain.*NaN"),
    "infinito": (com("head.weight", float("inf")), "token_embedding.weight.*infinitos"),
    "no-meta": (lambda m: m.to("meta"), "meta"),
    "sem-ficha": (lambda m: delattr(m, "config"), "esperava um GPTMini"),
}


@nos_dois
@pytest.mark.parametrize("caso", OUTROS)
def test_o_modelo_que_voltaria_outro_e_recusado_e_a_peca_e_dita(tmp_path, meio, caso):
    gravar(tmp_path / "a", antes := b"o antigo")
    model = novo(n_layers=2)
    OUTROS[caso][0](model)
    with pytest.raises((TypeError, ValueError), match=OUTROS[caso][1]) as erro:
        meio.guardar(model, PALAVRAS, tmp_path / "a")
    assert "\n" not in str(erro.value)
    assert (tmp_path / "a").read_bytes() == antes and nomes(tmp_path) == ["a"]


@nos_dois
@pytest.mark.parametrize("outra", [None, 3, "modelo", nn.Linear(2, 2), nn.Module(), {}])
def test_o_que_nao_e_um_modelo_e_recusado(tmp_path, meio, outra):
    with pytest.raises(TypeError, match="esperava um GPTMini"):
        meio.guardar(outra, PALAVRAS, tmp_path / "a")


@nos_dois
def test_as_notas_viram_tipos_do_python(tmp_path, meio):
    from datetime import date, datetime
    from pathlib import Path

    notas = {"a": np.float64(1.5), "b": np.int64(3), "c": np.array([[1, 2]]), "d": np.bool_(True), "e": (1, (2.5, None)), "f": date(2024, 1, 2),
             "g": datetime(2024, 1, 2, 3), "h": Path("a") / "b", "i": torch.tensor(2.0), "j": {"x": [np.float32(0.5), {"y": np.str_("é")}], 3: "três"},
             "k": nn.Parameter(torch.ones(2)), "l": "\ud800", "m": True, "n": np.datetime64("2024-01-02"), "o": 2**62}
    certas = {"a": 1.5, "b": 3, "c": [[1, 2]], "d": True, "e": (1, (2.5, None)), "f": "2024-01-02", "g": "2024-01-02 03:00:00", "h": str(Path("a") / "b"),
              "i": 2.0, "j": {"x": [0.5, {"y": "é"}], 3: "três"}, "k": [1.0, 1.0], "l": "\ud800", "m": True, "n": "2024-01-02", "o": 2**62}
    assert repr(ida_e_volta(meio, tmp_path / "a", novo(), **notas)[2]) == repr(certas)


def em_volta(valor):
    valor.append(valor)
    return valor


@nos_dois
@pytest.mark.parametrize("valor", [object(), 1j, b"x", 2**70, len, PALAVRAS, em_volta([]), {(1, 2): 3}, np.array([object()]), range], ids=lambda v: type(v).__name__)
def test_a_nota_que_nao_cabe_e_recusada_antes_de_gravar(tmp_path, meio, valor):
    with pytest.raises(TypeError, match="não cabe no arquivo; guarde números, textos"):
        meio.guardar(novo(), PALAVRAS, tmp_path / "a", nota=valor)
    assert nomes(tmp_path) == []


# -- ler --------------------------------------------------------------------------------------------------


@nos_dois
def test_o_que_nao_e_um_arquivo_comum_nao_trava_a_leitura(tmp_path, meio):
    os.mkfifo(tmp_path / "fila")
    (tmp_path / "vazio").write_bytes(b"")
    (tmp_path / "curto").write_bytes(meio.marca)
    with open(tmp_path / "imenso", "wb") as imenso:
        imenso.truncate(2**40)      # um terabyte que não ocupa nada
    for nome, frase in ((".", "é uma pasta"), ("fila", "aparelho ou uma fila"), ("vazio", "vazio"), ("curto", "quebrado"), ("imenso", "outro tipo"), ("vazio/x", "caminho")):
        with pytest.raises(meio.recusa, match=frase) as erro:
            meio.ler(tmp_path / nome)
        assert "\n" not in str(erro.value)
    with pytest.raises(FileNotFoundError, match="não achei"):
        meio.ler(tmp_path / "nada")
    for ruim in (3, None, "a\0b"):
        with pytest.raises(TypeError, match="esperava o nome de um arquivo"):
            meio.ler(ruim)
    outro = Ponto if meio is Modelo else Modelo
    outro.guardar(novo(), PALAVRAS, tmp_path / "outro")
    with pytest.raises(meio.recusa, match="outro tipo"):
        meio.ler(tmp_path / "outro")


def config(**mudancas):
    return lambda meio, a: a["config"].update(mudancas)


def pesos(nome, valor):
    def mudar(meio, a):
        a[meio.pesos][nome] = valor if not callable(valor) else valor(a[meio.pesos][nome])
    return mudar


HOSTIS = {
    "um-bilhao-de-blocos": config(n_layers=10**9), "vocabulario-sem-fim": config(vocab_size=10**12), "contexto-sem-fim": config(context_length=10**9),
    "d_model-sem-fim": config(d_model=2 * 10**12), "menos-blocos": config(n_layers=1), "mais-blocos": config(n_layers=3), "cabecas": config(n_heads=5),
    "ficha-com-textos": config(n_layers="dois"), "ficha-com-nan": config(dropout=float("nan")), "ficha-com-mais": config(rope=True),
    "ficha-lista": lambda m, a: a.update(config=[1, 2]), "ficha-com-chaves-que-nao-sao-textos": lambda m, a: a.update(config={1: 2}),
    "sem-ficha": lambda m, a: a.pop("config"), "sem-vocabulario": lambda m, a: a.pop("vocab"), "sem-tipo": lambda m, a: a.pop("tokenizador"),
    "tipo-desconhecido": lambda m, a: a.update(tokenizador="silabas"), "tipo-que-e-uma-lista": lambda m, a: a.update(tokenizador=[]),
    "vocabulario-curto": lambda m, a: a["vocab"].pop(), "vocabulario-longo": lambda m, a: a["vocab"].append("zzz"),
    "vocabulario-repetido": lambda m, a: a["vocab"].__setitem__(1, a["vocab"][2]), "vocabulario-de-numeros": lambda m, a: a["vocab"].__setitem__(1, 7),
    "sem-pesos": lambda m, a: a.pop(m.pesos), "pesos-lista": lambda m, a: a.update({m.pesos: [1]}), "pesos-que-nao-sao-tensores": pesos("x", 3),
    "falta-um-peso": lambda m, a: a[m.pesos].pop("final_norm.gain"), "sobra-um-peso": pesos("sobra", torch.zeros(2)),
    "pesos-inteiros": pesos("final_norm.gain", torch.ones(16, dtype=torch.int64)), "pesos-nan": pesos("final_norm.gain", torch.full((16,), torch.nan)),
    "pesos-esparsos": pesos("final_norm.gain", torch.zeros(16).to_sparse()), "outra-forma": pesos("final_norm.gain", torch.ones(17)),
    "sem-memoria-atras": pesos("token_embedding.weight", lambda p: torch.zeros(1).expand(p.shape)),
    "uma-tabela-que-finge": lambda m, a: (a["config"].update(vocab_size=10**10), a[m.pesos].update({"token_embedding.weight": torch.zeros(1, 1).expand(10**10, 16)})),
    "uma-memoria-para-todas": lambda m, a: a[m.pesos].update({n: torch.zeros(10**4).as_strided(p.shape, p.stride()) for n, p in a[m.pesos].items()} | {
        "sobra": torch.zeros(2)}),
}


@functools.cache
def corpo_certo(meio):
    with tempfile.TemporaryDirectory() as pasta:
        meio.guardar(novo(n_layers=2), PALAVRAS, f"{pasta}/a")
        return arquivos.ler_bytes(f"{pasta}/a", meio.marca)[len(meio.marca) + 32:]


def desmontado(meio):
    return torch.load(io.BytesIO(corpo_certo(meio)), weights_only=True)


def com_marca(meio, corpo):
    return meio.marca + hashlib.sha256(corpo).digest() + corpo


@nos_dois
@pytest.mark.parametrize("caso", HOSTIS)
@pytest.mark.uma_em(3)
def test_um_arquivo_que_mente_e_recusado_com_uma_frase_e_sem_construir_nada(tmp_path, meio, caso):
    arquivo = desmontado(meio)
    HOSTIS[caso](meio, arquivo)
    (tmp_path / "a").write_bytes(arquivos.empacotar(meio.marca, arquivo))
    sorteio, relogio = torch.get_rng_state(), time.monotonic()
    with pytest.raises(meio.recusa) as erro:
        meio.ler(tmp_path / "a")
    assert "\n" not in str(erro.value) and len(str(erro.value)) < 400 and time.monotonic() - relogio < 5
    assert torch.equal(torch.get_rng_state(), sorteio)


def test_o_modelo_que_nao_cabe_na_memoria_e_recusado(tmp_path, monkeypatch):
    Modelo.guardar(novo(), PALAVRAS, tmp_path / "a")
    monkeypatch.setattr(arquivos, "memoria", lambda: 1000)
    with pytest.raises(pronto.ModeloInvalido, match="memória"):
        pronto.ler(tmp_path / "a")


class Hostil:
    def __reduce__(self):
        return open, ("fui-executado", "w")


@nos_dois
def test_nada_do_arquivo_executa_nem_cresce_ao_abrir(tmp_path, monkeypatch, meio):
    monkeypatch.chdir(tmp_path)
    certo = desmontado(meio)
    bomba = io.BytesIO()
    with zipfile.ZipFile(bomba, "w", zipfile.ZIP_DEFLATED) as pacote:
        pacote.writestr("a/data.pkl", bytes(10**8))
    casos = [pickle.dumps(certo), pickle.dumps(Hostil()), bomba.getvalue(), b"", b"PK\x03\x04", b"\x80\x02."]
    for corpo in casos:
        (tmp_path / "a").write_bytes(com_marca(meio, corpo))
        with pytest.raises(meio.recusa):
            meio.ler("a")
    torch.save(certo | {"config": Hostil()}, memoria := io.BytesIO())
    (tmp_path / "a").write_bytes(com_marca(meio, memoria.getvalue()))
    with pytest.raises(meio.recusa, match="mais do que números e textos"):
        meio.ler("a")
    assert nomes(tmp_path) == ["a"]


@nos_dois
def test_um_arquivo_bom_com_uma_peca_comprimida_e_recusado(tmp_path, meio):
    """Sem a recusa ele se leria, e com ele a peça que cresce ao abrir."""
    corpo = io.BytesIO(corpo_certo(meio))
    with zipfile.ZipFile(corpo, "a", zipfile.ZIP_DEFLATED) as pacote:
        pasta = pacote.namelist()[0].partition("/")[0]
        pacote.writestr(f"{pasta}/a-mais", bytes(10**6))
    (tmp_path / "a").write_bytes(com_marca(meio, corpo.getvalue()))
    with pytest.raises(meio.recusa, match="peças comprimidas"):
        meio.ler(tmp_path / "a")


@nos_dois
@pytest.mark.filterwarnings("ignore")
def test_estragos_ao_acaso_por_baixo_do_resumo_sao_recusados_ou_nao_mudam_nada(tmp_path, meio):
    """Quem refaz o SHA-256 depois de estragar chega até o torch.load; também dali só sai uma frase nossa."""
    corpo, acaso, recusados = corpo_certo(meio), random.Random(0), 0
    pacote = zipfile.ZipFile(io.BytesIO(corpo))
    pecas = {i.filename: pacote.read(i) for i in pacote.infolist()}
    nome = next(n for n in pecas if n.endswith("data.pkl"))
    for _ in range(60):
        mexido = bytearray(pecas[nome])
        for _ in range(acaso.choice([1, 1, 3])):
            mexido[acaso.randrange(len(mexido))] = acaso.randrange(256)
        with zipfile.ZipFile(memoria := io.BytesIO(), "w") as outro:
            for n, dados in pecas.items():
                outro.writestr(n, bytes(mexido) if n == nome else dados)
        (tmp_path / "a").write_bytes(com_marca(meio, memoria.getvalue()))
        try:
            meio.ler(tmp_path / "a")
        except meio.recusa:
            recusados += 1
    assert recusados > 30


@pytest.mark.parametrize("valor", [float("nan"), float("inf"), "", {}, [], None, True, {"a": [1, {"b": (2, "c")}]}, "\ud800", 2**62, -0.5])
def test_o_que_e_simples_fica_como_e(valor):
    assert repr(arquivos.simples(valor)) == repr(valor)


def pasta_de_modelo(pasta):
    save_file({"wte.weight": torch.zeros(2, 2)}, pasta / "model.safetensors")
    (pasta / "config.json").write_text("{}")
    return pasta


def bilhete(pasta, nome):
    (pasta / nome).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 5\n")


def em_pedacos(pasta, nome, indice):
    (pasta / "model.safetensors").unlink()
    (pasta / nome).write_bytes(b"x")
    (pasta / indice).write_text("{}")


RUINS = {
    "bilhete-do-lfs": (lambda p: bilhete(p, "model.safetensors"), "Git LFS.*git lfs pull"),
    "ficha-do-lfs": (lambda p: bilhete(p, "config.json"), "Git LFS.*git lfs pull"),
    "em-pedacos": (lambda p: em_pedacos(p, "model-00001-of-00002.safetensors", "model.safetensors.index.json"), "pedaços.*save_pretrained"),
    "em-pedacos-bin": (lambda p: em_pedacos(p, "pytorch_model-00001-of-00002.bin", "pytorch_model.bin.index.json"), "pedaços.*save_pretrained"),
    "pesos-que-sao-uma-pasta": (lambda p: ((p / "model.safetensors").unlink(), (p / "model.safetensors").mkdir()), "não tem um modelo"),
    "pesos-que-sao-uma-fila": (lambda p: ((p / "model.safetensors").unlink(), os.mkfifo(p / "model.safetensors")), "não tem um modelo"),
    "ficha-funda": (lambda p: (p / "config.json").write_text("[" * 100_000), "quebrado"),
    "ficha-em-latin1": (lambda p: (p / "config.json").write_bytes(b'{"\xe7": 1}'), "quebrado"),
    "ficha-null": (lambda p: (p / "config.json").write_text("null"), "quebrado"),
}


@pytest.mark.parametrize("caso", RUINS)
def test_a_pasta_que_nao_serve_e_recusada_com_o_remedio(tmp_path, caso):
    RUINS[caso][0](pasta_de_modelo(tmp_path))
    with pytest.raises((ValueError, FileNotFoundError), match=RUINS[caso][1]) as erro:
        arquivos.ler_modelo(tmp_path)
    assert "\n" not in str(erro.value)


def test_os_inteiros_ficam_inteiros_para_quem_confere(tmp_path):
    save_file({"a": torch.zeros(2, dtype=torch.half), "b": torch.zeros(2, dtype=torch.int64)}, pasta_de_modelo(tmp_path) / "model.safetensors")
    tipos = {nome: p.dtype for nome, p in arquivos.ler_modelo(tmp_path)[0].items()}
    assert tipos == {"a": torch.float32, "b": torch.int64}


# -- baixar -----------------------------------------------------------------------------------------------


@pytest.fixture
def servidor(tmp_path):
    """Um servidor https local de certificado caseiro, que ninguém reconhece."""
    chave, certificado = tmp_path / "chave.pem", tmp_path / "certificado.pem"
    if not shutil.which("openssl"):
        pytest.skip("sem o openssl não há como fazer um certificado")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
                    "-keyout", chave, "-out", certificado], capture_output=True, check=True)
    servidor = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    contexto = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    contexto.load_cert_chain(certificado, chave)
    servidor.socket = contexto.wrap_socket(servidor.socket, server_side=True)
    threading.Thread(target=servidor.serve_forever, daemon=True).start()
    yield servidor
    servidor.shutdown()
    servidor.server_close()


def test_um_certificado_recusado_diz_que_foi_ele(servidor, tmp_path):
    with pytest.raises(NaoVeio, match="certificado.*data e a hora.*escola.*SSL_CERT_FILE") as erro:
        arquivos.baixar(f"https://127.0.0.1:{servidor.server_port}/x", "0" * 64, tmp_path / "d" / "x")
    assert "\n" not in str(erro.value) and nomes(tmp_path / "d") == []


@pytest.mark.parametrize("erro", [
    urllib.error.URLError(ssl.SSLCertVerificationError(1, "x")), httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")])
def test_do_hub_o_certificado_tambem(monkeypatch, erro):
    import huggingface_hub

    def falhar(*_, **__):
        raise erro

    monkeypatch.setattr(huggingface_hub, "snapshot_download", falhar)
    with pytest.raises(NaoVeio, match="dono/nome não veio.*certificado"):
        arquivos.do_hub("dono/nome", "a" * 40)


def test_do_hub_so_se_recusa_o_que_se_conhece(monkeypatch, tmp_path):
    import huggingface_hub
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    def falhar(*_, **__):
        raise erro

    monkeypatch.setattr(huggingface_hub, "snapshot_download", falhar)
    for erro, frase in ((HFValidationError("x"), "confira o nome"), (LocalEntryNotFoundError("x"), "confira o nome"), (httpx.ReadTimeout("x"), "confira o nome"),
                        (ConnectionError("x"), "confira o nome"), (OSError(errno.ENOSPC, "x"), "disco está cheio")):
        with pytest.raises(NaoVeio, match=f"dono/nome não veio.*{frase}"):
            arquivos.do_hub("dono/nome", "a" * 40)
    erro = ZeroDivisionError("um erro nosso")      # este não é da rede, e não se disfarça de um
    with pytest.raises(ZeroDivisionError):
        arquivos.do_hub("dono/nome", "a" * 40)
    (tmp_path / "config.json").write_text(json.dumps({}))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(tmp_path))
    with pytest.raises(NaoVeio, match="não tem model.safetensors nem pytorch_model.bin.*pedaços"):
        arquivos.do_hub("dono/nome", "a" * 40)
