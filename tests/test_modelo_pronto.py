"""O modelo pronto é o que o treino padrão dá, e o arquivo só guarda números e textos."""

import hashlib
import random

import numpy as np
import pytest
import torch

from apoio import historinhas, pronto
from gptmini import GPTConfig, GPTMini, WordTokenizer, generate


@pytest.fixture(scope="module")
def guardado():
    return pronto.ler(pronto.PRONTO)


@pytest.fixture(scope="module")
def validacao():
    return pronto.dados()[3]


def boletim(model, tokenizer, quantas, temperature=1.0):
    ids = generate(model, torch.zeros(quantas, 1, dtype=torch.long), 95, temperature, stop=tokenizer.fim,
                   generator=torch.Generator().manual_seed(0))
    return historinhas.boletim([tokenizer.decode(linha) for linha in ids])


def test_o_arquivo_e_pequeno_e_da_gramatica_de_hoje(guardado):
    notas = guardado[2]
    assert pronto.PRONTO.stat().st_size < 1_500_000
    assert notas["gramatica"] == historinhas.padrao().assinatura, "a gramática mudou; rode «python3 curso.py atualizar modelo»"


def test_o_vocabulario_escreve_qualquer_historinha(guardado):
    tokenizer = guardado[1]
    for h in historinhas.sortear(2000, semente=7):
        assert tokenizer.decode(tokenizer.encode(h.texto)) == h.texto


@pytest.mark.lento
def test_a_qualidade_anotada_e_a_do_arquivo(guardado, validacao):
    model, tokenizer, notas = guardado
    assert historinhas.excesso(model, tokenizer, validacao) == pytest.approx(notas["excesso"], abs=3e-4)


@pytest.mark.lento
def test_escreve_historinhas_corretas(guardado):
    nota = boletim(guardado[0], guardado[1], 200)
    assert nota["derivável"] >= 0.8 and nota["concordância"] >= 0.99


def test_guardar_e_ler_devolve_o_mesmo(guardado, tmp_path):
    model, tokenizer, _ = guardado
    lido, outro, notas = pronto.ler(pronto.guardar(model, tokenizer, tmp_path / "m.pt", nota=1))
    assert outro.vocab == tokenizer.vocab and notas == {"nota": 1} and lido.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), lido.parameters()))


@pytest.mark.parametrize("conteudo", [b"", b"isto nao e um modelo", b"PK\x03\x04quebrado"])
def test_arquivo_estranho_e_recusado(tmp_path, conteudo):
    caminho = tmp_path / "estranho.pt"
    caminho.write_bytes(conteudo)
    with pytest.raises(pronto.ModeloInvalido, match="não é um modelo do curso"):
        pronto.ler(caminho)


def test_arquivo_cortado_ou_de_outra_forma_e_recusado(tmp_path, guardado):
    inteiro = pronto.PRONTO.read_bytes()
    (tmp_path / "cortado.pt").write_bytes(inteiro[: len(inteiro) // 2])
    torch.save({"outra": "coisa"}, tmp_path / "outro.pt")
    for nome in ("cortado.pt", "outro.pt"):
        with pytest.raises(pronto.ModeloInvalido):
            pronto.ler(tmp_path / nome)


def test_guardado_de_novo_cabe_em_600_kB_e_e_o_mesmo(guardado, tmp_path):
    model, tokenizer, notas = guardado
    lido, _, outras = pronto.ler(pronto.guardar(model, tokenizer, tmp_path / "m.pt", **notas))
    assert (tmp_path / "m.pt").stat().st_size <= 600_000 and outras == notas
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), lido.parameters(), strict=True))


def test_16_bits_so_onde_a_perda_e_de_um_milesimo():
    comum, miuda = torch.randn(100, generator=torch.Generator().manual_seed(0)), torch.tensor([1e-6, 2e-6])
    assert pronto.em_16_bits(comum).dtype == torch.half
    assert 0.005 < (miuda.half().float() - miuda).abs().max() / miuda.max() < 0.05      # ali, 16 bits já erram por mais de meio por cento
    assert torch.equal(pronto.em_16_bits(miuda), miuda)
    assert torch.equal(pronto.em_16_bits(1e6 * comum), 1e6 * comum)                    # e aqui dariam infinito


def test_ler_nao_mexe_no_sorteio_de_ninguem():
    antes = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()
    pronto.modelo_pronto()
    assert torch.equal(torch.get_rng_state(), antes[0]) and random.getstate() == antes[1] and (np.random.get_state()[1] == antes[2]).all()


def antigo(pasta, **mudancas):
    """Um arquivo como os de antes da marca: um torch.save, com o SHA-256 das peças dentro dele."""
    model, tokenizer = GPTMini(GPTConfig(4, 8, 8, 1, 1)), WordTokenizer(["Ana viu ."])
    pesos = {nome: p.half() for nome, p in model.state_dict().items() if nome != "head.weight"} | mudancas.pop("pesos", {})
    arquivo = {"config": vars(model.config), "vocab": tokenizer.vocab, "pesos": pesos, "notas": {"a": [1, "b"]}} | mudancas
    resumo = "x"
    if len(repr(arquivo["config"])) < 10_000 and "notas" not in mudancas:
        resumo = hashlib.sha256(repr([arquivo[parte] for parte in ("config", "vocab", "notas")]).encode())
        for nome, p in arquivo["pesos"].items():
            resumo.update(nome.encode() + p.contiguous().numpy().tobytes())
        resumo = resumo.hexdigest()
    torch.save(arquivo | {"impressao": resumo}, pasta / "antigo.pt")
    return pasta / "antigo.pt", model


def test_um_arquivo_de_antes_da_marca_ainda_se_le(tmp_path):
    caminho, model = antigo(tmp_path)
    lido, tokenizer, notas = pronto.ler(caminho)
    assert tokenizer.decode(tokenizer.encode("Ana viu.")) == "Ana viu." and notas == {"a": [1, "b"]}
    assert torch.equal(lido.head.weight, model.head.weight.half().float())


def sem_fim():
    lista = ["x"]
    for _ in range(60):
        lista = [lista, lista]
    return {"a": lista}


@pytest.mark.parametrize(("mudancas", "frase"), [
    ({"pesos": {"final_norm.gain": torch.full((8,), torch.inf, dtype=torch.half)}}, "final_norm.gain.*infinitos"), ({"notas": sem_fim()}, "grandes demais"),
    ({"notas": {"mexida": 1}}, "não é o que foi guardado"), ({"vocab": ["<fim>", "a", "a", "b"]}, "tokens diferentes"), ({"vocab": None}, "tokens diferentes"),
    ({"pesos": {"sobra": torch.zeros(2)}}, "sobra"), ({"config": {"n_layers": 10**9, "vocab_size": 4, "context_length": 8, "d_model": 8, "n_heads": 1}}, "blocos"),
], ids=range(7))
def test_um_arquivo_antigo_que_mente_e_recusado(tmp_path, mudancas, frase):
    with pytest.raises(pronto.ModeloInvalido, match=frase) as erro:
        pronto.ler(antigo(tmp_path, **mudancas)[0])
    assert "\n" not in str(erro.value)


@pytest.mark.lento
def test_treinar_de_novo_da_um_modelo_equivalente(guardado):
    model, tokenizer, _, _, validacao = pronto.treinar()
    assert tokenizer.vocab == guardado[1].vocab
    # A ordem das somas muda com a CPU e o número de threads; a folga é a distância vista entre sementes.
    assert abs(historinhas.excesso(model, tokenizer, validacao) - guardado[2]["excesso"]) < 0.006
    assert boletim(model, tokenizer, 200)["derivável"] >= 0.6


def test_o_seu_modelo_so_entra_se_conhece_as_mesmas_palavras(guardado, tmp_path, monkeypatch, capsys):
    model, tokenizer, _ = guardado
    monkeypatch.setattr(pronto, "MEU", tmp_path / "meu_modelo.pt")
    pronto.meu_modelo()
    assert "ainda não guardou" in capsys.readouterr().out
    pronto.guardar(model, tokenizer, pronto.MEU)
    pronto.meu_modelo()
    assert "Usando o seu modelo" in capsys.readouterr().out
    tantas = [" ".join(f"p{i}" for i in range(tokenizer.vocab_size - 1))]      # outras, mas o mesmo número delas
    for outras in (WordTokenizer(["Ana ."]), WordTokenizer(tantas)):
        pronto.guardar(GPTMini(GPTConfig(outras.vocab_size, context_length=8, d_model=8, n_heads=1, n_layers=1)), outras, pronto.MEU)
        assert pronto.meu_modelo()[1].vocab == tokenizer.vocab
        assert "outras palavras" in capsys.readouterr().out
    assert outras.vocab_size == tokenizer.vocab_size
