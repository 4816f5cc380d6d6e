"""As figuras: a frase de cada uma é lida dos dados, e o que está desenhado são os dados."""

import math

import pytest
import torch

from apoio import veja
from apoio.por_dentro import chances, o_que_acende, o_que_empurra, percorrer
from apoio.pronto import modelo_pronto
from gptmini import GPTConfig, GPTMini, WordTokenizer
from gptmini.treino import Step


def passos(*perdas):
    return [Step(i, perda, perda if i == len(perdas) else None, 0.0, i) for i, perda in enumerate(perdas, start=1)]


def test_atencao_diz_o_maior_peso_e_o_desenha():
    pesos = [[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]]
    figura = veja.atencao(["Ana", "viu", "\n"], pesos, ["cabeça 1", "cabeça 2"])
    assert figura.legenda == "O maior peso: na linha «cabeça 1», 70% em «viu», o token 1."
    assert figura.axes[0].images[0].get_array().tolist() == pesos
    assert [t.get_text() for t in figura.axes[0].get_xticklabels()] == ["Ana", "viu", "↵"]


def test_olhar_para_si_so_nao_conta_quando_as_linhas_sao_os_tokens():
    pesos = [[0.7, 0.3], [0.4, 0.6]]
    cabecas = veja.atencao(["a", "b"], pesos, ["cabeça 1", "cabeça 2"])
    assert cabecas.legenda == "O maior peso: na linha «cabeça 1», 70% em «a», o token 0."
    assert veja.atencao(["a", "b"], pesos).legenda == "O maior peso: na linha «b», 40% em «a», o token 0."


def test_mascara_conta_os_pares():
    figura = veja.mascara(["a", "b", "c"], [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    assert figura.legenda == "6 dos 9 pares são permitidos: o primeiro token, «a», vê 1, e o último, «c», vê 3."
    assert sum(t.get_text() == "vê" for t in figura.axes[0].texts) == 6


def test_cossenos_acha_o_par_mais_parecido():
    figura = veja.cossenos(["sol", "lua", "pão"], [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    assert "«sol» e «lua»" in figura.legenda and "1,00" in figura.legenda


def test_proxima_palavra_compara_antes_e_depois():
    figura = veja.proxima_palavra(["a", "b"], [0.6, 0.4], {"temperatura 0,5": [0.9, 0.1], "top_k 1": [1.0, 0.0]})
    assert figura.legenda == "«a» sai do modelo com 60% de chance; com temperatura 0,5, 90%; com top_k 1, 100%."
    assert [barra.get_width() for barra in figura.axes[0].patches[:2]] == [0.9, 0.1]
    assert "fora" in [t.get_text() for t in figura.axes[1].texts]


def test_lente_diz_desde_onde_a_palavra_final_aparece():
    figura = veja.lente(["x", "y"], ["p0", "p1", "p2"], [["a", "b"], ["a", "c"], ["a", "c"]], [[1, 0.5], [1, 0.6], [1, 0.8]])
    assert figura.legenda == ("Depois de «y», o modelo prevê «c», com 80%. É a mais provável desde a parada «p1»; "
                              "no começo do caminho, a mais provável era «b».")


def test_retas_e_dobras_conta_os_pontos_do_lado_certo():
    x = torch.linspace(-2, 2, 5)
    figura = veja.retas_e_dobras(x, {"reta": x, "dobra": x.abs() - 1}, [("masculinos", -2, 1), ("discordam", 0, -1), ("femininos", 2, 1)])
    assert figura.legenda == "«reta» fica do lado certo em 1 dos 3 pontos; «dobra» fica do lado certo em 3 dos 3 pontos."
    assert [figura.axes[0].lines[i].get_ydata().tolist() for i in (1, 2)] == [x.tolist(), (x.abs() - 1).tolist()]


def test_formas_e_neuronio():
    figura = veja.formas([("entrada", (1, 5, 8), "embedding"), ("por dentro", (1, 5, 32), "feedforward"), ("saída", (1, 5, 8), "saida")])
    assert figura.legenda == "Cada token entra com 8 números, chega a ter 32 (em «por dentro») e sai com 8."
    assert [barra.get_height() for barra in figura.axes[0].patches] == [8, 32, 8]
    figura = veja.neuronio([("sol", 2.5), ("lua", 1.0)], [("dia", 0.7), ("mar", -0.1)])
    assert figura.legenda == "A palavra que mais o acende é «sol», 2,5 em média; a que ele mais empurra é «dia»."


def test_perdas_ao_vivo_e_no_fim():
    assert veja.perda_ao_vivo([], 0.3, 10).legenda == "Nenhum passo ainda, de 10; o limite é 0,300 nat por token."
    figura = veja.perda_ao_vivo(passos(2.0, 1.0), 0.3, 10)
    assert figura.legenda == "Passo 2 de 10: a perda do lote é 1,00, e o limite, 0,300."
    assert figura.axes[0].lines[0].get_ydata().tolist() == [2.0, 1.0]
    assert "faltam 0,1000 nat" in veja.curva_de_treino(passos(2.0, 0.4), 0.3, 5.0, 0.3).legenda


def test_a_corrida_diz_em_que_perda_e_em_que_segundo_cada_uma_acaba():
    devagar = [(i / 10, 4 - i / 100) for i in range(1, 301)]
    depressa = [(i / 100, 4 - i / 25) for i in range(1, 76)]
    figura = veja.corrida({"referência": devagar, "nova": depressa}, 1.5)
    # A média dos últimos 12 lotes de uma e dos últimos 3 da outra: o lote do meio de cada janela.
    assert figura.legenda.startswith("A média dos últimos lotes: referência, 1,05 aos 30,0 s; nova, 1,04 aos 0,8 s.")
    assert [len(linha.get_xdata()) for linha in figura.axes[0].lines[:2]] == [289, 73]


def test_a_escada_escreve_cada_tempo_e_acha_o_menor():
    figura = veja.escada({"referência": 60.0, "forma": 20.0, "Muon": float("inf"), "pares": 3.0})
    assert figura.legenda == "A mais rápida é «pares»: 3,0 s, contra 60,0 s da referência."
    assert [t.get_text().strip() for t in figura.axes[0].texts] == ["60,0 s", "20,0 s (3,0×)", "não chegou", "3,0 s (20,0×)"]
    assert [barra.get_width() for barra in figura.axes[0].patches] == [60, 20, 3]


def test_os_degraus_dizem_cada_perda_e_a_duvida_que_ela_deixa():
    figura = veja.degraus({"acaso": math.log(422), "bigrama": math.log(8), "limite": 0.29})
    assert figura.legenda == ("Perda, em nats por token: acaso, 6,05 (em dúvida entre 422 palavras); "
                              "bigrama, 2,08 (em dúvida entre 8,0 palavras); limite, 0,290 (em dúvida entre 1,34 palavras).")
    assert [barra.get_width() for barra in figura.axes[0].patches] == [math.log(422), math.log(8), 0.29]
    assert [t.get_text() for t in figura.axes[0].get_yticklabels()] == ["acaso", "bigrama", "limite"]


def test_o_custo_do_treino_compara_as_pontas():
    figura = veja.custo_do_treino({64: 50.0, 256: 60.0, 512: 100.0})
    assert figura.legenda == "Um token custa 50 µs numa janela de 64 e 100 µs numa de 512: 2,0 vezes."
    assert figura.axes[0].lines[0].get_ydata().tolist() == [50, 60, 100]


def test_a_figura_sai_em_png_com_a_legenda_por_texto_alternativo():
    figura = veja.mascara(["a"], [[1]])
    png, extras = figura._repr_png_()
    assert png.startswith(b"\x89PNG") and extras["alt"] == figura.legenda == repr(figura)


@pytest.mark.parametrize("cor", [*veja.COR.values(), "#FFFFFF", "#777777"])
def test_o_texto_sobre_qualquer_cor_se_le(cor):
    def luz(hexadecimal):
        partes = (int(hexadecimal[i : i + 2], 16) / 255 for i in (1, 3, 5))
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in partes)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    tinta = veja.tinta_sobre([int(cor[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    clara, escura = sorted((luz(cor), luz(tinta)), reverse=True)
    assert (clara + 0.05) / (escura + 0.05) >= 4.5


def test_o_caminho_por_dentro_da_os_logits_do_modelo():
    model, tokenizer = modelo_pronto()
    ids = [tokenizer.fim, *tokenizer.encode("Ana tinha uma pipa")]
    caminho = percorrer(model, ids)
    with torch.no_grad():
        torch.testing.assert_close(caminho.logits, model(torch.tensor([ids]))[0][0])
    torch.testing.assert_close(caminho.lente(caminho.paradas[-1]), caminho.logits.softmax(-1))


# -- por dentro ---------------------------------------------------------------------------------------------


@pytest.fixture
def pequeno():
    """Um modelo de pesos grandes, em que toda peça faz diferença, e o tokenizador das suas palavras."""
    torch.manual_seed(0)
    model = GPTMini(GPTConfig(vocab_size=4, context_length=8, d_model=16, n_heads=2, n_layers=2)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.3 * torch.randn_like(p))
    return model, WordTokenizer(["a b c"])


def test_nas_normas_a_lente_le_o_fluxo_que_chegou_a_elas(pequeno):
    model, _ = pequeno
    caminho = percorrer(model, [0, 1, 3])
    normas = [i for i, parada in enumerate(caminho.paradas) if parada.peca == "norm"]
    assert len(normas) == 4
    for i in normas:
        with torch.no_grad():
            certa = model.head(model.final_norm(caminho.paradas[i - 1].vetores)).softmax(-1)
        torch.testing.assert_close(caminho.lente(caminho.paradas[i]), certa)


def test_dentro_de_um_autocast_o_caminho_ainda_e_o_do_modelo(pequeno):
    model, _ = pequeno
    with torch.autocast("cpu", torch.bfloat16):
        dentro = percorrer(model, [0, 1, 3])
        diria = dentro.lente(dentro.paradas[-1])
    assert torch.equal(dentro.logits, percorrer(model, [0, 1, 3]).logits) and torch.equal(diria, dentro.lente(dentro.paradas[-1]))


def test_as_chances_dividem_as_notas_pela_temperatura():
    logits = torch.tensor([1.0, 2.0, 0.0]).log()      # chances 1/3 e 2/3; com metade da temperatura, ao quadrado
    torch.testing.assert_close(chances(logits), torch.tensor([1 / 3, 2 / 3, 0]))
    torch.testing.assert_close(chances(logits, 0.5), torch.tensor([0.2, 0.8, 0]))
    assert chances(logits, top_k=1).tolist() == [0, 1, 0] == chances(logits, 0).tolist()


def test_o_que_acende_e_a_media_das_vezes_em_que_a_palavra_aparece(pequeno):
    model, tokenizer = pequeno
    uma, outra = percorrer(model, [0, 1, 2, 1]).neuronios, percorrer(model, [0, 1]).neuronios      # <fim> a b a; <fim> a
    acende = o_que_acende(model, tokenizer, ["a b a", "a"])
    torch.testing.assert_close(acende[:, 1], (uma[:, 1] + uma[:, 3] + outra[:, 1]) / 3)
    torch.testing.assert_close(acende[:, 2], uma[:, 2])
    assert acende[:, 3].isnan().all() and not acende[:, :3].isnan().any()


@torch.no_grad()
def test_o_que_empurra_nao_conta_a_media_que_a_norma_final_tira(pequeno):
    model, _ = pequeno
    model.head.weight.copy_(torch.eye(4, 16))
    model.final_norm.gain.fill_(1)
    model.blocks[1].feedforward.contract.weight[:, 5] = torch.tensor([2.0] + 15 * [0.0])           # média 2/16
    assert o_que_empurra(model, bloco=2, neuronio=5).tolist() == [1.875, -0.125, -0.125, -0.125]
