"""Com o cache, os mesmos tokens com menos contas."""

import pytest
import torch

from gptmini import GPTConfig, GPTMini, KVCache, generate, generate_cached

FICHA = GPTConfig(vocab_size=20, context_length=16, d_model=16, n_heads=2, n_layers=2)


@pytest.fixture
def modelo():
    torch.manual_seed(0)
    modelo = GPTMini(FICHA)
    with torch.no_grad():
        for p in modelo.parameters():
            p.normal_()      # recém-sorteado, o modelo só repete o último token
    return modelo


def comeco(B, T):
    return torch.randint(20, (B, T), generator=torch.Generator().manual_seed(B + T))


PEDIDOS = {
    "guloso": {"temperature": 0},
    "sorteado": {},
    "top-k": {"top_k": 3, "temperature": 0.8},
    "com-stop": {"stop": 7},
    "guloso-com-stop": {"temperature": 0, "stop": 7},
}


@pytest.mark.parametrize("pedido", PEDIDOS)
@pytest.mark.parametrize("B", [1, 7])
@pytest.mark.parametrize("T", [1, 5, 16, 40], ids=["um", "dentro", "cheio", "maior-que-o-contexto"])
@pytest.mark.parametrize("n", [0, 1, 30])
@pytest.mark.uma_em(5)
def test_os_mesmos_tokens_que_generate(modelo, pedido, B, T, n):
    opcoes, idx = PEDIDOS[pedido], comeco(B, T)
    esperado, veio = (g(modelo, idx, n, generator=torch.Generator().manual_seed(3), **opcoes) for g in (generate, generate_cached))
    assert torch.equal(esperado, veio)


def test_o_texto_comparado_nao_e_um_eco(modelo):
    for opcoes in ({"temperature": 0}, {}):
        assert len(set(generate_cached(modelo, comeco(7, 5), 30, **opcoes)[:, 5:].flatten().tolist())) > 3


def test_sem_vies_e_com_a_saida_solta():
    torch.manual_seed(0)
    modelo = GPTMini(GPTConfig(20, 16, 24, 3, 2, bias=False, tie_weights=False))
    with torch.no_grad():
        for p in modelo.parameters():
            p.normal_()
    assert torch.equal(generate(modelo, comeco(2, 3), 25, temperature=0), generate_cached(modelo, comeco(2, 3), 25, temperature=0))


def test_os_logits_sao_os_do_modelo_token_a_token(modelo):
    idx, cache = comeco(3, 16), KVCache(modelo)
    for T in range(1, 17):
        torch.testing.assert_close(cache(idx[:, :T])[0], modelo(idx[:, :T])[0][:, -1:], atol=1e-5, rtol=1e-4)


def test_um_passo_so_calcula_o_token_novo(modelo):
    vistos = []
    modelo.blocks[0].feedforward.register_forward_hook(lambda m, entrada, saida: vistos.append(entrada[0].shape[1]))
    generate_cached(modelo, comeco(1, 5), 14, temperature=0)
    # antes de tudo, o cache se compara com o modelo; depois, o começo de uma vez; um token por vez até encher a janela; depois, a janela inteira a cada passo
    assert vistos[-14:] == [5] + [1] * 11 + [16, 16]


def test_o_cache_de_outra_conversa_nao_serve(modelo):
    cache = KVCache(modelo)
    for idx in (comeco(1, 6), comeco(2, 8), comeco(1, 9), comeco(1, 9), comeco(1, 4)):
        torch.testing.assert_close(cache(idx)[0], modelo(idx)[0][:, -1:], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("treinando", [True, False])
def test_devolve_o_modelo_no_modo_em_que_estava(modelo, treinando):
    modelo.train(treinando)
    generate_cached(modelo, comeco(1, 2), 2)
    assert modelo.training is treinando


def test_dropout_nao_age_na_geracao():
    modelo = GPTMini(GPTConfig(20, 16, 16, 2, 2, dropout=0.5))
    assert torch.equal(*(generate_cached(modelo, comeco(1, 3), 10, temperature=0) for _ in range(2)))


@pytest.mark.parametrize("ruim", [torch.zeros(1, 0, dtype=torch.long), torch.tensor([[20]]), torch.tensor([[1.0]]), [1, 2]],
                         ids=["vazio", "id-fora", "real", "lista"])
def test_entrada_ruim_e_recusada_como_em_generate(modelo, ruim):
    mensagens = []
    for gerar in (generate, generate_cached):
        with pytest.raises((ValueError, TypeError)) as erro:
            gerar(modelo, ruim, 3)
        mensagens.append(str(erro.value))
    assert mensagens[0] == mensagens[1]


def test_o_texto_gerado_serve_para_treinar(modelo):
    saida = generate_cached(modelo, comeco(2, 3), 8)
    assert not saida.is_inference()
    modelo(saida[:, :-1], saida[:, 1:])[1].backward()
