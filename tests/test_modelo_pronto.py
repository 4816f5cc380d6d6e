"""O modelo pronto é o que o treino padrão dá, e o arquivo só guarda números e textos."""

import pytest
import torch

from gptmini import GPTConfig, GPTMini, WordTokenizer, generate, historinhas, pronto


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


def test_a_qualidade_anotada_e_a_do_arquivo(guardado, validacao):
    model, tokenizer, notas = guardado
    assert historinhas.excesso(model, tokenizer, validacao) == pytest.approx(notas["excesso"], abs=3e-4)


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
    outro = GPTMini(GPTConfig(3, context_length=8, d_model=8, n_heads=1, n_layers=1))
    pronto.guardar(outro, WordTokenizer(["Ana ."]), pronto.MEU)
    assert pronto.meu_modelo()[1].vocab == tokenizer.vocab
    assert "outras palavras" in capsys.readouterr().out
